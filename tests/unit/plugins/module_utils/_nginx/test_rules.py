"""A path has the rules of the longest path that encloses it, unless it sets them itself."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.rules import rate_numbers, rule
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC

APP = {"proxy_pass": "http://a"}


def found(path, option, locations, **options):
    made = [location if "alias" in location else location | APP for location in locations]
    site = {"name": "shop", "server_name": ["a.example"], "locations": made} | options
    (site,) = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]}).validated_parameters["sites"]
    (location,) = [location for location in site["locations"] if location["path"] == path]
    return tuple(rule(site, location, option))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", ("9r/s", "")),
        ("/admin/", ("1r/s", "/admin/")),
        ("/admin/export/", ("1r/s", "/admin/")),
        ("/admin/log/", ("off", "/admin/log/")),
        ("/administrator", ("9r/s", "")),
    ],
)
def test_the_longest_enclosing_path(path, expected):
    paths = {"/": None, "/admin/": "1r/s", "/admin/export/": None, "/admin/log/": "off", "/administrator": None}
    assert found(path, "rate", [{"path": one, "rate": rate} for one, rate in paths.items()], rate="9r/s") == expected


def test_a_path_without_a_slash_encloses_the_same():
    locations = [{"path": "/admin", "rate": "1r/s"}, {"path": "/admin/x"}, {"path": "/adminx"}]
    assert found("/admin/x", "rate", locations) == ("1r/s", "/admin")
    assert found("/adminx", "rate", locations) == (None, "")


def test_the_root_encloses_everything():
    locations = [{"path": "/", "deny": ["all"]}, {"path": "/static/", "alias": "/srv/static/"}]
    assert found("/static/", "deny", locations, deny=[]) == (["all"], "/")


def test_a_file_and_an_internal_location_enclose_nothing():
    locations = [
        {"path": "/x", "alias": "/srv/x", "deny": ["all"]},
        {"path": "/p/", "alias": "/srv/p/", "internal": True, "deny": ["all"]},
        {"path": "/x/y"},
        {"path": "/p/y"},
    ]
    assert found("/x/y", "deny", locations) == (None, "")
    assert found("/p/y", "deny", locations) == (None, "")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/ws/", (None, "")), ("/ws/a/", (None, "")), ("/chat/", ("5s", "/chat/")), ("/chat/a/", ("5s", "/chat/"))],
)
def test_a_websocket_inherits_no_timeout_of_pages(path, expected):
    chat = {"path": "/chat/", "websocket": True, "proxy_read_timeout": "5s"}
    locations = [{"path": "/", "proxy_read_timeout": "9s"}, chat, {"path": "/chat/a/"}]
    locations += [{"path": "/ws/", "websocket": True}, {"path": "/ws/a/"}]
    assert found(path, "proxy_read_timeout", locations, proxy_read_timeout="7s") == expected


def test_a_site_of_websockets_has_its_timeout():
    assert found("/", "proxy_read_timeout", [{"path": "/"}], websocket=True, proxy_read_timeout="7s") == ("7s", "")


@pytest.mark.parametrize(("rate", "numbers"), [("10r/s", (10, 1)), ("5r/m", (5, 60))])
def test_rate_numbers(rate, numbers):
    assert rate_numbers(rate) == numbers
