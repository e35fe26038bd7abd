"""Snippets with a syntax error are refused with the error."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet import syntax_error


@pytest.mark.parametrize(
    "snippet",
    [
        "",
        "add_header X-A b;",
        "# nothing but } words",
        'location ~ "^/[0-9]{3}}$" { return 200 "a } b\\" {"; } # why }',
        "set $a x${host}y;",
        "return 200 '; } \\' {';",
        "location /a { if ($x) { return 403; } }\n",
        "rewrite ^/(a|b)}$ /c;",
        "content_by_lua_block { local s = '}' }",
        "return 200 a\\;b\\{;",
    ],
)
def test_valid_snippets(snippet):
    assert syntax_error(snippet) is None


@pytest.mark.parametrize(
    ("snippet", "what"),
    [
        ("}", "remove a '}'"),
        ("location /a { } }", "remove a '}'"),
        ("location /a { return 200;", "add '}'"),
        ("add_header X-A b", "does not end with ';' or '}', but with 'b'"),
        ("return 200 'a;", "a quote is not closed"),
        ('return 200 "a\\";', "a quote is not closed"),
        ("return 200;\nadd_header a b # ;", "but with 'b'"),
        ("return 200 a\\;", "but with"),
        ("\u2028#", "but with"),
        ("etag off;\u00a0", "but with"),
    ],
)
def test_syntax_errors(snippet, what):
    assert what in syntax_error(snippet)
