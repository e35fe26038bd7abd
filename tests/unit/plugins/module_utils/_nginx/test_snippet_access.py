"""A location of a snippet that is a way around the access rules of a path."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet_access import warnings
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC

ADMIN = {"path": "/admin/", "proxy_pass": "http://a", "basic_auth": {"ann": "x31337"}}


def warned(snippet, *locations, **options):
    locations = [{"path": "/", "proxy_pass": "http://a"}, *(locations or [ADMIN])]
    site = {"name": "shop", "server_name": ["a.example"], "locations": locations, "snippet": snippet, **options}
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]})
    assert result.error_messages == []
    return warnings(result.validated_parameters["sites"][0])


@pytest.mark.parametrize(
    "location",
    [
        *("~ ^/admin/exp", "~ ^/(admin|shop)/", "~ export", "~* ^/ADMIN", "~ ^/admin/?x", "~ ^/a", r"~ \.csv$"),
        *("/admin/export/", "= /admin/export", "^~ /admin/x", "/admin/e"),
    ],
)
def test_a_way_around(location):
    [warning] = warned(f"gzip off; location {location} {{ if ($a) {{ set $b 1; }} proxy_pass http://b; }}")
    assert f"site 'shop': the location '{location}' of its snippet" in warning
    assert "below '/admin/' (basic_auth), whose rules do not hold there: write them in that location" in warning
    assert "31337" not in warning


@pytest.mark.parametrize(
    "snippet",
    [
        *("", "gzip off;", "location @x { proxy_pass http://b; }", "location /shop/ { proxy_pass http://b; }"),
        *("location ~ ^/shop/x { proxy_pass http://b; }", "location ~ ^/administrator/ { proxy_pass http://b; }"),
        # They refuse requests themselves.
        r"location ~ \.php$ { return 404; }",
        "location ~ ^/admin/exp { auth_basic x; auth_basic_user_file /etc/x; proxy_pass http://b; }",
        "location ~ ^/admin/exp { allow 10.0.0.0/8; deny all; proxy_pass http://b; }",
        "content_by_lua_block { location ~ x { } }",
    ],
)
def test_no_way_around(snippet):
    assert warned(snippet) == []


def test_rules_that_are_not_for_the_access_to_a_path():
    snippet = "location ~ ^/admin/exp { proxy_pass http://b; }"
    assert warned(snippet, {"path": "/admin/", "proxy_pass": "http://a", "rate": "1r/s"}) == []
    assert warned(snippet, {"path": "/admin/", "proxy_pass": "http://a", "basic_auth": {}}) == []
    # The location inherits those of the server block.
    assert warned(snippet, {"path": "/x/", "proxy_pass": "http://a"}, deny=["10.0.0.1"]) == []
