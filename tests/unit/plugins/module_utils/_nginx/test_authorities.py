"""The file with the authorities of a group of servers."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import authorities, generation

FIRST, SECOND = "10.0.0.11:443", "[fd00::12]:443"


def pem(text):
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----"


def files(servers, live=None):
    return authorities.files("shop", {"web": servers}, live or {})


def test_each_server_has_its_authority():
    assert files({FIRST: pem("a") + "\n", SECOND: pem("b")}) == {
        "authorities/shop.web.crt": f"# {FIRST}\n{pem('a')}\n# {SECOND}\n{pem('b')}\n"
    }


def test_a_server_that_was_not_asked_keeps_its_own():
    live = files({FIRST: pem("a"), SECOND: pem("b")})
    assert files({FIRST: pem("c"), SECOND: ""}, live) == files({FIRST: pem("c"), SECOND: pem("b")})
    assert files({FIRST: "", SECOND: ""}, live) == live
    # One that has left the group is no longer believed.
    assert files({FIRST: ""}, live) == files({FIRST: pem("a")})


def test_a_new_server_that_was_not_asked_has_none_yet():
    live = files({FIRST: pem("a")})
    assert files({FIRST: "", SECOND: ""}, live) == live


def test_a_group_without_authorities_is_refused():
    with pytest.raises(ValueError, match=r"site 'shop': .* none of the web hosts 10\.0\.0\.11:443\. .* without -l"):
        files({FIRST: ""})


def test_what_is_believed_of_a_server():
    live = {**files({FIRST: pem("a"), SECOND: ""}), "sites/shop.conf": f"# {SECOND}\n{pem('b')}\n"}
    live |= {"authorities/blog.web.crt": f"# {FIRST}\n{pem('c')}\n"}
    assert authorities.trusted(FIRST, live) == [
        (pem("a"), "shop.gatehouse.internal"),
        (pem("c"), "blog.gatehouse.internal"),
    ]
    assert authorities.trusted(SECOND, live) == []


def test_they_stay_when_another_site_is_published():
    found = files({FIRST: pem("a")})
    assert generation.of_site({**found, "authorities/shop2.web.crt": ""}, "shop") == found
