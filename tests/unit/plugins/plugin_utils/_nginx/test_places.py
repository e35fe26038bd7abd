"""The locations that nginx gets, and their rules."""

from __future__ import annotations

import re

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import places

APP = {"proxy_pass": "http://a"}


def made(*locations, **options):
    locations = [location if "alias" in location else APP | location for location in locations]
    site = {"name": "shop", "server_name": ["a.example"], "locations": locations} | options
    (site,) = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]}).validated_parameters["sites"]
    return site


def by_path(*locations, **options):
    return {place.path: place for place in places.places(made(*locations, **options))}


def test_a_proxied_path_is_itself_and_all_below_it():
    found = by_path({"path": "/"}, {"path": "/admin"}, {"path": "/api/"}, {"path": "/f/", "alias": "/f/"})
    assert [(path, place.exact) for path, place in found.items()] == [
        ("/", False),
        ("/admin", True),
        ("/admin/", False),
        ("/api", True),
        ("/api/", False),
        ("/f/", False),
    ]


def test_files_have_their_own_location_within_a_proxied_path():
    file, directory = {"path": "/x", "alias": "/srv/x"}, {"path": "/y/", "alias": "/srv/y/"}
    found = places.places(made({"path": "/x/"}, {"path": "/y"}, file, directory))
    assert [(place.path, place.location["alias"]) for place in found] == [
        ("/x/", None),
        ("/y", None),
        ("/x", "/srv/x"),
        ("/y/", "/srv/y/"),
    ]


@pytest.mark.parametrize("rule", [{"deny": ["all"]}, {"basic_auth": {"ann": "secret"}}, {"internal": True}])
def test_the_rules_of_a_file_hold_for_its_compressed_copies(rule):
    found = by_path({"path": "/s/", "alias": "/srv/"}, {"path": "/s/a.js", "alias": "/srv/a.js"} | rule)
    assert list(found) == ["/s/", "/s/a.js", "/s/a.js.gz", "/s/a.js.br"]
    assert [found[path].ending for path in found] == ["", "", ".gz", ".br"]
    assert found["/s/a.js"].access == found["/s/a.js.gz"].access == found["/s/a.js.br"].access
    assert {found[path].exact for path in found if path != "/s/"} == {True}


def test_a_compressed_copy_with_a_location_of_its_own_keeps_it():
    file = {"path": "/a.js", "alias": "/srv/a.js", "deny": ["all"]}
    found = places.places(made(file, {"path": "/a.js.gz", "alias": "/srv/b"}, {"path": "/a.js.br/"}))
    assert [place.path for place in found] == ["/a.js", "/a.js.gz", "/a.js.br", "/a.js.br/"]


def test_a_file_without_rules_has_one_location():
    assert list(by_path({"path": "/a.js", "alias": "/srv/a.js"}, deny=["192.0.2.1"])) == ["/a.js"]


def test_paths_share_the_zone_that_they_inherit():
    site = made({"path": "/", "rate": "1r/s"}, {"path": "/a/"}, {"path": "/b/", "rate": "30r/m", "burst": 2})
    found = {place.path: place for place in places.places(site)}
    assert found["/"].requests == found["/a/"].requests != found["/b/"].requests
    assert [(found[path].burst, found[path].retry_after) for path in ("/", "/b/")] == [(1, 1), (2, 2)]
    assert len(places.zones(site)) == 2


def test_a_zone_of_another_key_has_another_name(monkeypatch):
    """nginx keeps the old configuration where the key of a known zone changes."""
    before = places.zones(made({"path": "/", "rate": "1r/s", "connections": 3}))
    assert {zone.name for zone in before} == {
        zone.name for zone in places.zones(made({"path": "/", "rate": "9r/s", "connections": 4}))
    }
    monkeypatch.setattr(places, "CLIENT", "$binary_remote_addr")
    after = places.zones(made({"path": "/", "rate": "1r/s", "connections": 3}))
    assert not {zone.name for zone in before} & {zone.name for zone in after}


def test_access_is_repeated_only_where_it_differs_from_the_servers():
    users = {"ann": "x"}
    found = by_path(
        {"path": "/"}, {"path": "/a/", "deny": ["192.0.2.1"]}, {"path": "/o/", "basic_auth": {}}, basic_auth=users
    )
    assert found["/"].access is None
    realm, file = places.site_access(made({"path": "/"}, basic_auth=users)).users
    assert (realm, file.partition(".")[0]) == ("shop", "passwords/shop")
    assert found["/a/"].access == places.Access([["deny", "192.0.2.1"]], (realm, file))
    assert found["/o/"].access == places.Access()


def test_networks_that_are_allowed_exclude_all_others():
    (place,) = places.places(made({"path": "/", "allow": ["10.0.0.0/8"], "deny": ["10.0.0.1"]}))
    assert place.access.networks == [["deny", "10.0.0.1"], ["allow", "10.0.0.0/8"], ["deny", "all"]]


def test_a_path_opens_a_closed_site_for_a_network():
    found = by_path({"path": "/"}, {"path": "/status/", "allow": ["10.0.0.1"]}, deny=["all"])
    assert found["/status/"].access.networks == [["allow", "10.0.0.1"], ["deny", "all"]]


def test_what_the_application_sends_was_checked_before():
    internal = {"path": "/p/", "alias": "/p/", "internal": True}
    assert by_path({"path": "/"}, internal, deny=["all"])["/p/"].access == places.Access()


@pytest.mark.parametrize(
    ("path", "request_uri", "is_ambiguous"),
    [
        ("/admin/", "//admin/", True),
        ("/admin/", "/%2Fadmin/", True),
        ("/admin/", "/admin//", False),
        ("/admin/", "/%61dmin/x//y?//", False),
        ("/a/b/", "/a//b/", True),
        ("/a/b/", "/a%2f/b/", True),
        ("/a/b/", "/a/b//c", False),
        ("/a/b/", "/a/b?//", False),
    ],
)
def test_components_that_nginx_merges(path, request_uri, is_ambiguous):
    guard = by_path({"path": path})[path].guard
    assert (re.search(guard, request_uri, re.IGNORECASE) is not None) is is_ambiguous


def test_a_cache_is_that_of_its_applications():
    def directory(*locations, **options):
        return places.page_cache(made(*locations, **options), EXPECTED).directory

    first = {"path": "/blog/", "page_cache": "9s", "proxy_pass": "http://a"}
    before = directory(first)
    assert directory(first, {"path": "/x/", "rate": "1r/s"}, headers={"X-A": "b"}) == before
    assert directory({**first, "page_cache": "1h"}) == before
    others = [{**first, "proxy_pass": "http://b"}, {**first, "path": "/news/"}]
    changed = [directory(one) for one in others] + [directory(first, behind={"addresses": ["192.0.2.1"]})]
    assert len({before, *changed}) == 4


def test_where_requests_bring_a_password():
    """An application sends its visitors from a path with one to what is internal."""
    users = {"basic_auth": {"ann": "secret"}}
    found = by_path({"path": "/"}, {"path": "/a/"} | users, {"path": "/a/b/"}, {"path": "/i/", "internal": True})
    assert {path for path, place in found.items() if place.has_password} == {"/a", "/a/", "/a/b", "/a/b/", "/i", "/i/"}
    found = by_path({"path": "/"}, {"path": "/open/", "basic_auth": {}}, **users)
    assert {path for path, place in found.items() if place.has_password} == {"/"}
