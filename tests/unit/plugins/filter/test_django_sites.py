"""The role's sites become the module's."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.filter.django_sites import FilterModule
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.behind import fronting
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC as SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.role_sites import OPTIONS

django_sites = FilterModule().filters()["django_sites"]
ROOT = Path(__file__).resolve().parents[4]


def locations(**site):
    """The site's locations, without the options that were not given."""
    (made,) = django_sites([{"name": "s", "server_name": ["s.example"]} | site])
    return [{key: value for key, value in location.items() if value is not None} for location in made["locations"]]


def test_an_app_needs_its_name_only():
    assert locations(app="shop") == [
        {"path": "/static/", "alias": "/srv/shop/current/static/"},
        {"path": "/media/", "alias": "/srv/shop/data/media/", "untrusted": True},
        {"path": "/", "proxy_pass": "http://unix:/srv/shop/current/web.sock"},
    ]


def test_an_upstream_has_no_files_of_its_own():
    assert locations(upstream="http://a:8000") == [{"path": "/", "proxy_pass": "http://a:8000"}]


def test_files_of_an_app_can_be_elsewhere_or_nowhere():
    assert locations(app="shop", static={"/assets/": "/srv/assets/"}, media={})[:-1] == [
        {"path": "/assets/", "alias": "/srv/assets/"}
    ]


def test_protected_media_and_websockets():
    assert locations(
        upstream="http://a", proxy_read_timeout="5s", protected_media={"/p/": "/srv/p/"}, websocket_paths=["/ws/"]
    )[:2] == [
        {"path": "/p/", "alias": "/srv/p/", "internal": True},
        {"path": "/ws/", "websocket": True, "proxy_pass": "http://a"},
    ]


def test_links_in_all_files_of_a_site():
    made = locations(app="shop", protected_media={"/p/": "/srv/p/"}, symlinks="same_owner")
    assert [location.get("symlinks") for location in made] == ["same_owner"] * 3 + [None]


def test_the_sites_own_options_are_passed_on():
    options = {"maintenance": True, "proxy_read_timeout": "5s", "deny": ["all"]}
    (site,) = django_sites([{"name": "s", "upstream": "http://a", "server_name": ["s.example"]} | options])
    assert (site["server_name"], site["client_max_body_size"]) == (["s.example"], "20m")
    assert {name: site[name] for name in options} == options


def test_a_site_without_tls_gets_the_roles_default():
    sites = [{"name": name, "upstream": "http://a", "server_name": [name]} for name in ("a", "b")]
    sites[1]["tls"] = "files"
    assert [site["tls"] for site in django_sites(sites)] == ["off", "files"]
    assert [site["tls"] for site in django_sites(sites, "self_signed")] == ["self_signed", "files"]
    # What YAML makes of a bare off.
    assert [site["tls"] for site in django_sites(sites[:1], False)] == ["off"]
    with pytest.raises(AnsibleFilterError, match="django_site_tls"):
        django_sites(sites, "on")


def test_a_site_without_behind_gets_the_roles_default():
    sites = [{"name": name, "upstream": "http://a", "server_name": [name]} for name in ("a", "b")]
    sites[1]["behind"] = {}
    front = {"addresses": ["10.0.0.5"]}
    assert django_sites(sites)[0]["behind"] is None
    made = django_sites(sites, "off", front)
    assert [site["behind"].get("addresses") for site in made] == [["10.0.0.5"], None]
    # The module accepts what the filter makes.
    checked = ArgumentSpecValidator({"sites": SPEC["sites"]}).validate({"sites": made})
    assert checked.error_messages == []
    assert [fronting(site) is None for site in checked.validated_parameters["sites"]] == [False, True]
    with pytest.raises(AnsibleFilterError, match="django_site_behind: unknown option 'adresses'"):
        django_sites(sites, "off", {"adresses": []})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"django_site_sites\[s\] needs exactly one of 'app'.*and 'upstream'"),
        ({"app": "a", "upstream": "http://a"}, r"django_site_sites\[s\] needs exactly one of 'app'.*and 'upstream'"),
        ({"app": "../a"}, r"django_site_sites\[s\]: app '\.\./a' is not the name of an app"),
        ({"app": "a", "redirect_form": []}, r"unknown option 'redirect_form': did you mean 'redirect_from'\?"),
        ({"app": "a", "static": "/srv/"}, r"django_site_sites\[s\]: .*'static'.*dict"),
        ({"state": "presnt"}, r"django_site_sites\[s\]: value of state must be one of: present, absent, got: presnt"),
        ({"name": None, "app": "a"}, r"django_site_sites\[0\]: missing required arguments: name"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(AnsibleFilterError, match=message):
        django_sites([{"name": "s"} | options])


@pytest.mark.parametrize("given", ["shop", "name=shop app=shop", ["shop"], None])
def test_refuses_what_is_not_a_site(given):
    with pytest.raises(AnsibleFilterError, match=r"django_site_sites\[1\] is .*, not a site: write .*\{name: shop"):
        django_sites([{"name": "s", "state": "absent"}, given])


@pytest.mark.parametrize("given", ["basic_auth:{team:S3cret}", ["team", "S3cret"]])
def test_what_is_not_a_site_is_not_shown(given):
    with pytest.raises(AnsibleFilterError) as raised:
        django_sites([given])
    assert "S3cret" not in str(raised.value)


def test_an_empty_upstream_is_left_to_the_module():
    """It refuses an empty proxy_pass, and names the site."""
    assert locations(upstream="") == [{"path": "/", "proxy_pass": ""}]


def test_an_absent_site_needs_its_name_only():
    (site,) = django_sites([{"name": "s", "state": "absent"}])
    assert (site["name"], site["state"], "locations" in site) == ("s", "absent", False)


def test_the_roles_documentation_has_the_same_options():
    specs = yaml.safe_load((ROOT / "roles/django_site/meta/argument_specs.yml").read_text())
    documented = specs["argument_specs"]["main"]["options"]["django_site_sites"]["options"]

    def meaning(option):
        return {key: option.get(key) for key in ("type", "elements", "choices", "default", "required")}

    # The default of a site's tls is the role's option django_site_tls.
    ours = OPTIONS | {"tls": OPTIONS["tls"] | {"default": None}}
    assert {name: meaning(option) for name, option in documented.items()} == {
        name: meaning(option) for name, option in ours.items()
    }
    front = OPTIONS["behind"]["options"]
    for described in (documented, specs["argument_specs"]["main"]["options"]):
        inner = described.get("behind") or described["django_site_behind"]
        assert {name: meaning(option) for name, option in inner["options"].items()} == {
            name: meaning(option) for name, option in front.items()
        }


def test_a_refusal_is_told_once():
    """ansible-core would add the sentences of the causes."""
    site = {"name": "shop", "app": "shop", "server_name": ["a.example"], "static": "x"}
    with pytest.raises(AnsibleFilterError) as refusal:
        django_sites([site])
    assert refusal.value.__cause__ is None
