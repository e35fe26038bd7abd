"""Which of `allow` and `deny` refuses a client."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import access
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import config_tree


@pytest.fixture
def location(tmp_path):
    """location(directives of the location): it, in a server that denies one address."""

    def location(directives):
        path = tmp_path / "nginx.conf"
        path.write_text(f"server {{ deny 192.0.2.9; location / {{ {directives} }} }}")
        return config_tree.read(str(path)).block[0].block[1]

    return location


@pytest.mark.parametrize(
    ("directives", "client", "words", "option"),
    [
        ("", "192.0.2.9", "'deny 192.0.2.9'", "deny"),
        ("deny 10.0.0.5; allow 10.0.0.0/8; deny all;", "10.0.0.5", "'deny 10.0.0.5'", "deny"),
        (
            "allow 10.0.0.0/8; allow 2001:db8::/32; deny all;",
            "::1",
            "'allow' for 10.0.0.0/8, 2001:db8::/32 only",
            "allow",
        ),
        ("deny all;", "192.0.2.1", "'deny all'", "deny"),
    ],
)
def test_the_first_match_decides(location, directives, client, words, option):
    rule = access.refusing(location(directives), client)
    assert (access.described(rule), access.option(rule)) == (words, option)


@pytest.mark.parametrize(
    ("directives", "client"),
    [("", "192.0.2.1"), ("allow all;", "192.0.2.9"), ("allow 10.0.0.0/8; deny all;", "10.9.9.9")],
)
def test_nothing_refuses_it(location, directives, client):
    assert access.refusing(location(directives), client) is None


def test_a_long_list_is_shortened(location):
    many = "".join(f"allow 10.0.0.{number}; " for number in range(9))
    assert access.described(access.refusing(location(f"{many}deny all;"), "::1")).endswith("10.0.0.4 and 4 more only")
