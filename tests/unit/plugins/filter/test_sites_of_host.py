"""The filter sites_of_host: what each host of an inventory does for a site."""

from __future__ import annotations

from itertools import product

import pytest
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.filter.apps_of_sites import apps_of_sites
from ansible_collections.gatehouse.django.plugins.filter.django_sites import django_sites
from ansible_collections.gatehouse.django.plugins.filter.sites_of_host import sites_of_host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_keys, check_sites
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC

GROUPS = {
    "all": ["lb1", "lb2", "web1", "web2", "db1"],
    "web": ["web1", "web2"],
    "balancers": ["lb1", "lb2"],
    "databases": ["db1"],
}
ADDRESSES = {name: f"10.0.0.{number}" for number, name in enumerate(GROUPS["all"], 1)}
SHOP = {"name": "shop", "app": "shop", "hosts": "balancers", "server_name": ["shop.example.com"]}
APP = {"name": "shop", "hosts": "web"}
PAIR = {
    f"tls_{name}": f"/etc/gatehouse/services/web/server.{end}" for name, end in (("certificate", "crt"), ("key", "key"))
}
BEHIND = {"addresses": ["10.0.0.1", "10.0.0.2"], "balancers": True}


def hostvars(sites, apps, **more):
    """The inventory has the sites and apps for all hosts; *more* are variables of single ones."""
    every = {"django_sites": sites, "django_apps": apps}
    return {name: {"gatehouse_address": ADDRESSES[name], **every, **more.get(name, {})} for name in GROUPS["all"]}


def of_host(host, sites, apps=(APP,), **more):
    known = hostvars(list(sites), list(apps), **more)
    found = sites_of_host(known[host].get("django_sites", []), host, GROUPS, known)
    check(found)
    return found


def check(sites):
    """What the role does with the sites on the controller."""
    args = {"sites": django_sites(sites)}
    check_keys(args)
    check_sites(ArgumentSpecValidator(ARGUMENT_SPEC).validate(args).validated_parameters["sites"])


def locations(sites):
    return {location["path"]: location for location in django_sites(sites)[0]["locations"]}


def test_a_balancer_passes_to_the_apps_hosts():
    (site,) = of_host("lb1", [SHOP | {"tls": "self_signed", "rate": "5r/s", "headers": {"X-A": "b"}}])
    assert site["upstreams"] == {"shop": ["10.0.0.3:443", "10.0.0.4:443"]}
    assert (site["tls"], site["rate"], site["headers"]) == ("self_signed", "5r/s", {"X-A": "b"})
    found = locations([site])
    assert found["/"] == {"path": "/", "proxy_pass": "http://shop"}
    assert (found["/static/"]["proxy_pass"], found["/static/"]["files"]) == ("http://shop", True)
    # No limit of the site counts requests for files.
    assert (found["/static/"]["rate"], found["/static/"]["connections"]) == ("off", 0)


def test_a_web_host_serves_the_balancers_alone():
    options = {"tls": "self_signed", "hsts": "max-age=1", "rate": "5r/s", "headers": {"X-A": "b"}, "listen": ["8080"]}
    paths = {"/up/": {"client_max_body_size": "1g", "rate": "1r/s"}, "/admin/": {"basic_auth": {"a": "b"}}}
    more = {"paths": paths, "redirect_from": ["www.example.com"], "protected_media": {"/p/": "/srv/shop/data/p/"}}
    (site,) = of_host("web2", [SHOP | options | more | {"client_max_body_size": "30m", "maintenance": True}])
    assert site == {
        "name": "shop",
        "server_name": ["shop.example.com"],
        "app": "shop",
        "client_max_body_size": "30m",
        "protected_media": {"/p/": "/srv/shop/data/p/"},
        "paths": {"/up/": {"client_max_body_size": "1g"}},
        "tls": "host",
        **PAIR,
        "behind": BEHIND,
    }


def test_each_balancer_asks_the_others_for_the_challenge_of_an_authority():
    assert of_host("lb1", [SHOP])[0]["acme_peers"] == ["10.0.0.2:80"]
    assert of_host("lb2", [SHOP | {"listen": ["[::]:8080"]}])[0]["acme_peers"] == ["10.0.0.1:8080"]
    assert "acme_peers" not in of_host("lb1", [SHOP | {"hosts": "lb1"}])[0]
    # A web host gets no request of an authority.
    assert "acme_peers" not in of_host("web1", [SHOP])[0]


def test_peers_that_the_operator_names_stay():
    assert of_host("lb1", [SHOP | {"acme_peers": ["192.0.2.1:80"]}])[0]["acme_peers"] == ["192.0.2.1:80"]


def test_any_other_host_loses_the_site():
    assert of_host("db1", [SHOP]) == [{"name": "shop", "state": "absent"}]


def test_sites_without_hosts_are_as_they_were():
    sites = [
        {"name": "shop", "app": "shop", "server_name": ["a.example"], "paths": {}},
        {"name": "old", "state": "absent"},
    ]
    assert of_host("web1", sites, [{"name": "shop"}]) == sites
    # What is wrong is left to the role.
    assert sites_of_host(["shop"], "web1", GROUPS, hostvars([], [])) == ["shop"]


def test_a_site_without_hosts_is_where_its_app_is():
    site = {"name": "shop", "app": "shop", "server_name": ["a.example"]}
    assert of_host("web1", [site]) == [site | {"acme_peers": ["10.0.0.4:80"]}]
    assert of_host("lb1", [site]) == [{"name": "shop", "state": "absent"}]


def test_a_site_with_its_app_on_the_same_hosts_is_as_it_was():
    site = SHOP | {"hosts": "web"}
    known = {key: site[key] for key in site if key != "hosts"}
    assert of_host("web1", [site]) == [known | {"acme_peers": ["10.0.0.4:80"]}]


def test_an_upstream_that_is_no_app():
    site = {"name": "wiki", "upstream": "http://10.1.1.1:80", "hosts": "lb1", "server_name": ["wiki.example"]}
    assert of_host("lb1", [site]) == [{key: site[key] for key in site if key != "hosts"}]
    assert of_host("lb2", [site]) == [{"name": "wiki", "state": "absent"}]


def test_groups_can_have_the_lists_of_their_own():
    known = {name: {"gatehouse_address": ADDRESSES[name]} for name in GROUPS["all"]}
    for name in GROUPS["web"]:
        known[name]["django_apps"] = [{"name": "shop"}]
    for name in GROUPS["balancers"]:
        known[name]["django_sites"] = [SHOP]
    (balanced,) = sites_of_host(known["lb2"]["django_sites"], "lb2", GROUPS, known)
    assert balanced["upstreams"] == {"shop": ["10.0.0.3:443", "10.0.0.4:443"]}
    (behind,) = sites_of_host([], "web1", GROUPS, known)
    assert (behind["app"], behind["behind"]) == ("shop", BEHIND)
    assert sites_of_host([], "db1", GROUPS, known) == []


def test_the_apps_below_one_site_can_have_different_hosts():
    site = SHOP | {
        "mounts": {"/blog/": "blog"},
        "paths": {"/blog/up/": {"client_max_body_size": "9m"}, "/x/": {"buffering": False}},
        "websocket_paths": ["/blog/ws/", "/ws/"],
        "static": {"/static/": "/srv/shop/s/"},
    }
    apps = [APP, {"name": "blog", "hosts": ["web2", "db1"]}]
    (edge,) = of_host("lb1", [site], apps)
    assert edge["upstreams"] == {"shop": ["10.0.0.3:443", "10.0.0.4:443"], "blog": ["10.0.0.4:443", "10.0.0.5:443"]}
    found = locations([edge])
    assert [found[path]["proxy_pass"] for path in ("/", "/static/", "/blog/", "/blog/static/", "/blog/ws/")] == [
        *("http://shop", "http://shop"),
        *("http://blog", "http://blog", "http://blog"),
    ]
    (blog,) = of_host("db1", [site], apps)
    assert (blog.get("app"), blog["mounts"], blog["static"]) == (None, {"/blog/": "blog"}, {})
    assert (blog["paths"], blog["websocket_paths"]) == ({"/blog/up/": {"client_max_body_size": "9m"}}, ["/blog/ws/"])
    (both,) = of_host("web2", [site], apps)
    assert (both["app"], both["mounts"]) == ("shop", {"/blog/": "blog"})
    (shop,) = of_host("web1", [site], apps)
    assert ("mounts" in shop, shop["paths"]) == (False, {"/x/": {"buffering": False}})


def test_a_name_instead_of_an_address_is_refused():
    with pytest.raises(AnsibleFilterError, match=r"site 'shop'.*host 'web1'.*'web1' is a name: set gatehouse_address"):
        of_host("lb1", [SHOP], web1={"gatehouse_address": None})
    with pytest.raises(AnsibleFilterError, match=r"host 'lb2'.*'lb2.example' is a name.*Nothing was changed"):
        of_host("web1", [SHOP], lb2={"gatehouse_address": None, "ansible_host": "lb2.example"})
    # All hosts of the inventory refuse it: none of them goes on alone.
    for here, nameless in product(GROUPS["all"], ("lb2", "web1")):
        with pytest.raises(AnsibleFilterError, match=f"host '{nameless}'.*set gatehouse_address"):
            of_host(here, [SHOP], **{nameless: {"gatehouse_address": None}})
    # An app that is installed and in no django_apps: nothing is balanced.
    (site,) = of_host("web1", [SHOP | {"hosts": "web"}], (), web1={"gatehouse_address": None})
    assert site["app"] == "shop"
    (site,) = of_host("lb1", [SHOP], web1={"gatehouse_address": None, "ansible_host": "2001:db8::1"})
    assert site["upstreams"]["shop"][0] == "[2001:db8::1]:443"


def test_a_host_that_balances_and_serves_is_refused():
    with pytest.raises(AnsibleFilterError, match=r"host 'web1' is one of the hosts of the site and of app 'shop'"):
        of_host("web2", [SHOP | {"hosts": ["lb1", "web1"]}])
    with pytest.raises(AnsibleFilterError, match=r"site 'shop': hosts: unknown"):
        of_host("web2", [SHOP | {"hosts": "balancer"}])


def test_an_app_that_no_host_has_is_left_to_the_role():
    assert of_host("lb1", [SHOP | {"app": "shpo"}]) == [
        {"name": "shop", "app": "shpo", "server_name": ["shop.example.com"], "acme_peers": ["10.0.0.2:80"]}
    ]


def test_the_settings_of_an_app_elsewhere_are_not_compared_here():
    found = of_host("lb1", [SHOP])
    assert (apps_of_sites(found), apps_of_sites(found, True)) == ([], ["shop"])


PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


def certified(host, names=("shop.gatehouse.internal",), authority=PEM):
    """What the playbook has registered on a host."""
    return {host: {"__fleet_certificate": {"authority": authority, "names": list(names)}}}


def test_tls_between_balancers_and_web_hosts():
    site = SHOP | {"tls": "self_signed"}
    (balanced,) = of_host("lb1", [site], **certified("web1"))
    assert balanced["upstreams"] == {"shop": ["10.0.0.3:443", "10.0.0.4:443"]}
    # The play has not asked web2.
    assert balanced["upstream_authorities"] == {"shop": {"10.0.0.3:443": PEM, "10.0.0.4:443": ""}}
    assert (balanced["tls"], "upstream_tls" in balanced) == ("self_signed", False)
    (web,) = of_host("web1", [site])
    assert web["behind"] == BEHIND
    assert {key: web[key] for key in web if key.startswith("tls")} == {"tls": "host", **PAIR}
    assert django_sites([balanced])[0]["upstream_authorities"] == balanced["upstream_authorities"]


def test_plain_http_where_the_site_says_so():
    site = SHOP | {"upstream_tls": False}
    (balanced,) = of_host("lb1", [site], **certified("web1"))
    assert (balanced["upstreams"]["shop"][0], "upstream_authorities" in balanced) == ("10.0.0.3:80", False)
    assert of_host("web1", [site])[0]["tls"] == "off"
    assert of_host("web1", [site], **certified("web1", []))[0]["tls"] == "off"
    # A balancer may still use it.
    assert of_host("web1", [site], **certified("web1"))[0]["tls"] == "host"


def test_in_check_mode_a_certificate_may_not_exist_yet():
    site = SHOP
    known = {**certified("web1", [], ""), **certified("web2", ["blog.gatehouse.internal"])}
    (balanced,) = of_host("lb1", [site], **known)
    assert (balanced["upstreams"]["shop"][0], "upstream_authorities" in balanced) == ("10.0.0.3:80", False)
    assert of_host("web1", [site], **known)[0]["tls"] == of_host("web2", [site], **known)[0]["tls"] == "off"
    # A host that is new has none, and the others have theirs.
    known |= certified("web2")
    (balanced,) = of_host("lb1", [site], **known)
    assert balanced["upstream_authorities"] == {"shop": {"10.0.0.3:443": "", "10.0.0.4:443": PEM}}
    assert of_host("web2", [site], **known)[0]["tls"] == "host"


@pytest.mark.parametrize("given", ["yes", 1, {}])
def test_tls_is_on_or_off(given):
    with pytest.raises(AnsibleFilterError, match=r"site 'shop': upstream_tls must be true or false, not"):
        of_host("lb1", [SHOP | {"upstream_tls": given}])


def test_tls_without_balancers_is_refused():
    site = {"name": "shop", "app": "shop", "server_name": ["shop.example.com"], "upstream_tls": True}
    with pytest.raises(AnsibleFilterError, match=r"upstream_tls has an effect only between balancers and web hosts"):
        of_host("web1", [site], apps=[{"name": "shop"}])
    same = site | {"hosts": "web"}
    with pytest.raises(AnsibleFilterError, match=r"upstream_tls has an effect only between balancers and web hosts"):
        of_host("web1", [same])
