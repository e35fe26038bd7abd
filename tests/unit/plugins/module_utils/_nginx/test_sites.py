"""Every wrong site is refused with a sentence that names the option, the value and the remedy."""

from __future__ import annotations

import re

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import (
    check_generation,
    check_keys,
    check_nginx_conf,
    check_sites,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC

PROXY = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}


def site(**options):
    return {"name": "shop", "server_name": ["shop.example.com"], "locations": [PROXY]} | options


def location(**options):
    return site(locations=[{"path": "/x/"} | options])


def check(*sites):
    args = {"sites": list(sites)}
    check_keys(args)
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate(args)
    assert not result.error_messages
    check_sites(result.validated_parameters["sites"])


GOOD = [
    site(),
    site(listen=["80", "[::]:80", "192.0.2.1:8080", "*:81", "127.0.0.1:82"]),
    site(server_name=["shop.example.com", "*.example.com", "www.example.*", ".example.org", "xn--bcher-kva.example"]),
    site(redirect_from=["www.shop.example.com"]),
    site(client_max_body_size="0"),
    site(client_max_body_size="1024"),
    location(alias="/srv/shop/static/"),
    location(alias="/srv/a b/static/"),
    site(locations=[{"path": "/robots.txt", "alias": "/srv/shop/robots.txt"}]),
    location(proxy_pass="http://unix:/run/app.sock"),
    location(proxy_pass="http://[2001:db8::1]:8000"),
    location(proxy_pass="http://app1", proxy_read_timeout="5m"),
    {"name": "gone", "state": "absent"},
]


@pytest.mark.parametrize("good", GOOD, ids=str)
def test_accepts(good):
    check(good)


REFUSED = [
    (site(snippet="}"), "site 'shop': snippet is not valid on its own: it closes a block that it did not open"),
    (
        site(locations=[PROXY | {"snippet": "proxy_buffering on"}]),
        "site 'shop', location '/': snippet is not valid on its own: it does not end with ';' or '}', but with 'on'",
    ),
    (site(servername=["a"]), "sites[shop]: unknown option 'servername': did you mean 'server_name'?"),
    (location(root="/srv"), "locations[/x/]: unknown option 'root': use 'alias'"),
    (location(fastcgi_pass="x"), "unknown option 'fastcgi_pass': use 'proxy_pass'"),
    (location(uwsgi_pass="x"), "unknown option 'uwsgi_pass': use 'proxy_pass'"),
    (location(proxy_redirect="x"), "unknown option 'proxy_redirect': use 'proxy_pass'"),
    (
        site(locations=[PROXY | {"symlinks": "follow"}]),
        "site 'shop', location '/': 'symlinks' has no effect with 'proxy_pass', only with 'alias': remove it",
    ),
    (location(zzz=1), "unknown option 'zzz'. Known: alias,"),
    (site(server_name=[]), "server_name is missing"),
    ({"name": "shop", "locations": [PROXY]}, "server_name is missing"),
    (site(server_name=["http://shop.example.com"]), "server_name 'http://shop.example.com' is not a host name"),
    (site(server_name=["a;b"]), "server_name 'a;b' is not a host name"),
    (site(server_name=["~^x$"]), "server_name '~^x$' is not a host name"),
    (site(server_name=["a.example", "A.example"]), "server_name and redirect_from list 'a.example' twice"),
    (site(server_name=["*.example.com"], redirect_from=["b.example"]), "the first server_name, which must not be a"),
    (site(server_name=[".example.com"], redirect_from=["b.example"]), "the first server_name, which must not be a"),
    (site(server_name=["example.com", ".example.com"]), "server_name and redirect_from list 'example.com' twice"),
    (site(redirect_from=["b example"]), "redirect_from 'b example' is not a host name"),
    (site(name="../etc"), "site name '../etc' is not a slug"),
    (site(name="a/b"), "site name 'a/b' is not a slug"),
    (site(listen=["http"]), "listen 'http' is not a port"),
    (site(listen=["80 ssl"]), "listen '80 ssl' is not a port"),
    (site(listen=["70000"]), "listen '70000' is not a port"),
    (site(listen=["80", "*:80"]), "listen '80' and '*:80' are the same address"),
    (site(listen=["80", "80"]), "listen '80' and '80' are the same address"),
    (site(name="a" * 300), f"site name '{'a' * 200}...' is not a slug"),
    (site(name="a\nb"), "site name 'a\\nb' is not a slug"),
    (
        site(client_max_body_size="20"),
        "client_max_body_size '20' is 20 bytes, which no form fits into: did you mean '20m'",
    ),
    (site(client_max_body_size="20 MB"), "client_max_body_size '20 MB' is not a size"),
    (site(locations=[]), "locations is missing"),
    (site(locations=[PROXY, PROXY]), "two locations have the path '/'"),
    (site(locations=[{"path": "x", "alias": "/y"}]), "path 'x' must start with '/'"),
    (location(), "exactly one of 'alias' (files) and 'proxy_pass'"),
    (location(alias="/srv/", proxy_pass="http://a"), "exactly one of 'alias' (files) and 'proxy_pass'"),
    (location(alias="srv/static/"), "alias 'srv/static/' is relative"),
    (location(alias="/srv/static"), "nginx would serve '/x/x' from '/srv/staticx': add the slash to alias"),
    (
        site(locations=[{"path": "/static", "alias": "/srv/static/"}]),
        "nginx would serve '/static../': add the slash to path",
    ),
    (location(alias="/srv/../etc/"), "contains '..'"),
    (location(alias="/srv/$host/"), "contains '$'"),
    (location(alias="/srv/a\nb/"), "contains a control character"),
    (location(alias="/srv/", websocket=True), "'websocket' has no effect on files"),
    (location(proxy_pass="127.0.0.1:8000"), "proxy_pass '127.0.0.1:8000' needs a scheme and an address"),
    (location(proxy_pass="http://"), "needs a scheme and an address"),
    (location(proxy_pass="https://app1"), "uses TLS to the application"),
    (location(proxy_pass="http://127.0.0.1:8000/"), "has a URI part '/'"),
    (location(proxy_pass="http://unix:/run/a.sock:/x"), "write 'http://unix:/run/a.sock'"),
    (location(proxy_pass="http://a", untrusted=True), "'untrusted' has no effect with 'proxy_pass'"),
    (location(proxy_pass="http://a", proxy_read_timeout="5 minutes"), "proxy_read_timeout '5 minutes' is not a time"),
]


@pytest.mark.parametrize(("bad", "message"), REFUSED, ids=[message for _bad, message in REFUSED])
def test_refuses(bad, message):
    with pytest.raises(ValueError) as refusal:
        check(bad)
    assert message in str(refusal.value)


def test_refuses_one_name_for_two_sites():
    with pytest.raises(ValueError, match="claimed by site 'shop' and by site 'blog' on port 80"):
        check(site(), site(name="blog", server_name=["SHOP.example.com"]))


def test_refuses_a_name_that_another_site_has_with_a_dot_in_front():
    with pytest.raises(
        ValueError, match=r"'shop\.example\.com' is claimed by site 'all' and by site 'shop' on port 80"
    ):
        check(site(name="all", server_name=[".shop.example.com"]), site(listen=["*:080"]))


def test_accepts_one_name_on_two_ports():
    check(site(), site(name="blog", listen=["8080"]))


def test_refuses_a_site_twice():
    with pytest.raises(ValueError, match="'shop' is listed twice"):
        check(site(), site(server_name=["b.example"]))


@pytest.mark.parametrize("generation", [None, "previous", "12", 12])
def test_accepts_generation(generation):
    """Smoke test: nothing is raised."""
    check_generation({"generation": generation})


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"generation": "last"}, "generation 'last' is neither a number nor 'previous'"),
        ({"generation": "-1"}, "generation '-1' is neither a number nor 'previous'"),
        ({"generation": "3", "sites": [site()]}, "remove 'sites', or make that change in a second task"),
        ({"generation": "3", "purge": True}, "remove 'purge'"),
        ({"generation": "3", "nginx_conf": {"manage": "auto"}}, "remove 'nginx_conf'"),
    ],
    ids=str,
)
def test_refuses_generation(args, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_generation(args)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"http_snippet": "map $a $b {"}, "nginx_conf: http_snippet is not valid on its own"),
        ({"worker_connections": 0}, "worker_connections 0 is not between 16 and 1000000"),
        ({"worker_connections": 10_000_000}, "worker_connections 10000000 is not between"),
    ],
    ids=str,
)
def test_refuses_nginx_conf(settings, message):
    with pytest.raises(ValueError, match=message):
        check_nginx_conf({"http_snippet": None, "worker_connections": 4096} | settings)


def test_accepts_nginx_conf():
    """Smoke test: nothing is raised."""
    check_nginx_conf(None)
    check_nginx_conf({"http_snippet": "map $a $b { default 1; }", "worker_connections": 4096})
