"""The application behind a location."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import (
    app_name,
    balanced_app,
    pass_directive,
    proxy_locations,
    upstream_addresses,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive


@pytest.mark.parametrize(
    ("directive", "addresses"),
    [
        ("proxy_pass http://127.0.0.1:8000;", ["127.0.0.1:8000"]),
        ("proxy_pass http://app1;", ["app1:80"]),
        ("proxy_pass https://app1/x;", ["app1:443"]),
        ("proxy_pass http://unix:/run/a.sock;", ["unix:/run/a.sock"]),
        ("proxy_pass http://unix:/run/a.sock:/x/;", ["unix:/run/a.sock"]),
        ("proxy_pass http://pool;", ["unix:/srv/shop/current/web.sock", "10.0.0.1:80"]),
        ("proxy_pass http://pool$gatehouse_once;", ["unix:/srv/shop/current/web.sock", "10.0.0.1:80"]),
        ("uwsgi_pass unix:/run/u.sock;", ["unix:/run/u.sock"]),
        ("uwsgi_pass 127.0.0.1:3031;", ["127.0.0.1:3031"]),
        ("proxy_pass http://$backend;", []),
        ("return 200;", []),
    ],
)
def test_the_addresses_of_an_application(doctor_host, directive, addresses):
    pool = (
        "upstream POOL { server unix:/srv/shop/current/web.sock max_fails=0; server 10.0.0.1; server b down; "
        "server unix:/srv/shop/current/./web.sock backup; }"
    )
    host = doctor_host(f"{pool} server {{ location / {{ {directive} }} }}")
    location = next(host.tree.below("location"))
    assert upstream_addresses(location) == addresses
    assert app_name(location) == ("shop" if len(addresses) == 2 else "")


def test_the_app_of_a_balancer(doctor_host):
    roots = {"/var/lib/gatehouse/expected/shop": "shop", "/var/lib/gatehouse/expected": "", "/srv/shop": "", "": ""}
    for root, app in roots.items():
        text = f"root {root};" if root else ""
        host = doctor_host(f"server {{ location / {{ {text} proxy_pass http://shop; }} }}")
        assert balanced_app(next(host.tree.below("location"))) == app


def test_locations_of_an_application(doctor_host):
    text = "location / { proxy_pass http://a; } location /x { uwsgi_pass b; } location /y { return 404; }"
    server = next(doctor_host(f"server {{ {text} }}").tree.below("server"))
    assert [pass_directive(one).name for one in proxy_locations(server)] == ["proxy_pass", "uwsgi_pass"]


def test_upstreams_are_listed_once(doctor_host, monkeypatch):
    text = "".join(
        f"upstream u{number} {{ server unix:/srv/a{number}/current/web.sock; }} "
        f"server {{ server_name s{number}; location / {{ proxy_pass http://U{number}; }} }}"
        for number in range(300)
    )
    host, asked, children = doctor_host(text), [], Directive.children
    monkeypatch.setattr(Directive, "children", lambda self, name: asked.append(name) or children(self, name))
    found = [app_name(location) for server in host.tree.below("server") for location in proxy_locations(server)]
    assert found == [f"a{number}" for number in range(300)]
    assert asked.count("upstream") == 1


def test_of_two_upstreams_with_one_name_the_first_counts(doctor_host):
    pools = "upstream pool { server a; } upstream POOL { server b; }"
    host = doctor_host(f"{pools} server {{ location / {{ proxy_pass http://Pool; }} }}")
    assert upstream_addresses(next(host.tree.below("location"))) == ["a:80"]
