"""Where an operator changes a rule: the path's value replaces that of the site."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import rule_places
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import config_tree

SITE = """
server {
    client_max_body_size 20m;
    allow 10.0.0.0/8;
    deny all;
    location ~ ^/odd/ { limit_req zone=a; }
    location ^~ /admin/ { limit_req zone=a; client_max_body_size 1m; allow 192.0.2.1; deny all; auth_basic x; }
    location = /whoami { proxy_read_timeout 5s; }
    location / { limit_req zone=b; limit_conn c 1; proxy_read_timeout 9s; }
}
"""
ENTRY = "in the entry of the site shop in django_sites"


@pytest.fixture
def change(doctor_host, tmp_path):
    """change(number of the location, directive): the words, with the site in a file of Gatehouse's or another one."""

    def change(number, name, file="gatehouse/sites/shop.conf"):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SITE)
        location = config_tree.read(str(path)).block[0].children("location")[number]
        return rule_places.change(doctor_host(), location, location.inherited(name), name)

    return change


@pytest.mark.parametrize(
    ("number", "name", "words"),
    [
        (
            1,
            "limit_req",
            f"write `rate: VALUE, burst: NUMBER` below `paths['/admin/']` {ENTRY}, then `ansible-playbook",
        ),
        (1, "client_max_body_size", f"write `client_max_body_size: VALUE` below `paths['/admin/']` {ENTRY}"),
        (1, "allow", f"write `allow: [ADDRESS]` below `paths['/admin/']` {ENTRY}"),
        (1, "auth_basic", "write `basic_auth: {}` below `paths['/admin/']`"),
        (2, "proxy_read_timeout", f"write `proxy_read_timeout: VALUE` below `paths['/whoami']` {ENTRY}"),
        # The whole site has it.
        (2, "client_max_body_size", f"write `client_max_body_size: VALUE` {ENTRY}"),
        (2, "deny", f"write `deny: []` {ENTRY}"),
        (2, "limit_req", f"write `rate: VALUE, burst: NUMBER` {ENTRY}"),
        # The site and paths['/'] make the same line.
        (3, "limit_conn", f"write `connections: NUMBER` {ENTRY}"),
        (3, "proxy_read_timeout", "(if `paths['/']` sets it: there)"),
        (
            0,
            "limit_req",
            "write another value in the block 'location ~ ^/odd/' of `snippet` in the entry of the site shop",
        ),
    ],
)
def test_the_option_of_the_path_or_of_the_site(change, number, name, words):
    assert words in change(number, name)


def test_a_file_that_gatehouse_did_not_write(change, tmp_path):
    assert change(1, "limit_req", "shop.conf").startswith(f"change limit_req in {tmp_path}/shop.conf:7, then `nginx -t")
