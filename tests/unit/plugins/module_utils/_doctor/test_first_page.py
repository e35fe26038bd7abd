"""The names under which a visitor gets to an app."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import first_page

SITES = """
server { listen 80; server_name shop.test; location / { return 308 https://shop.test$gatehouse_port$request_uri; } }
server { listen 80; server_name www.shop.test old.test; return 308 $scheme://shop.test$gatehouse_port$request_uri; }
server { listen 80; server_name away.test; return 301 https://wiki.test$request_uri; }
server { listen 80; server_name page.test; return 301 https://shop.test/page; }
server {
    listen 443 ssl; server_name shop.test *.shop.test;
    location / { proxy_pass http://unix:/srv/shop/current/web.sock; }
}
server { listen 80; server_name blog.test; location / { proxy_pass http://unix:/srv/blog/current/web.sock; } }
server { listen 80; server_name wiki.test; location / { proxy_pass http://127.0.0.1:1; } }
"""


@pytest.mark.parametrize(
    ("name", "arrives"),
    [
        ("shop.test", "shop.test"),
        ("a.shop.test", "a.shop.test"),
        ("www.shop.test", "shop.test"),
        ("old.test", "shop.test"),
        *((name, "") for name in ("blog.test", "wiki.test", "away.test", "page.test", "stranger.test", "")),
    ],
)
def test_where_a_visitor_arrives(doctor_host, name, arrives):
    assert first_page.names_of(doctor_host(SITES), "shop")(name) == arrives


@pytest.mark.parametrize("nginx", [None, "/usr/sbin/nginx"])
def test_a_configuration_that_cannot_be_read_does_not_prevent_the_visit(monkeypatch, nginx):
    class Pages:
        def __init__(self, _units, identifier, arrives):
            self.found = [identifier, arrives]

        def problems(self):
            return self.found

    def fail(*_arguments):
        raise OSError("damaged")

    class Units:
        class app:
            name = "shop"

    monkeypatch.setattr(first_page, "Pages", Pages)
    monkeypatch.setattr(first_page.facts, "describe", fail)
    assert first_page.problems(fail, nginx, Units, "a-1") == ["a-1", None]
