"""A directive at http level that the sites undo is refused, with what to write instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import http_snippet
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_nginx_conf
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import render

TEMPLATES = Path(render.__file__).parent / "templates"


def check(snippet):
    return check_nginx_conf({"http_snippet": snippet, "worker_connections": None})


@pytest.mark.parametrize(
    ("directive", "remedy"),
    [
        ("add_header X-Frame-Options DENY", "Write it in the option 'headers' of each site."),
        ("proxy_set_header X-Tenant a", "the application needs no other."),
        ("error_page 502 /oops.html", "Put the page into the directory that the option 'pages' of each site names."),
        ("client_max_body_size 1g", "Write it in the option 'client_max_body_size' of each site."),
        *(
            (f"{name} x", "themselves. Remove it.")
            for name in ("gzip", "ssl_protocols", "proxy_buffers", "gzip_static")
        ),
    ],
)
def test_refuses_what_the_sites_undo(directive, remedy):
    with pytest.raises(ValueError, match="nginx_conf: http_snippet has") as refused:
        check(f"etag off;\n{directive};")
    message = str(refused.value)
    assert f"'{directive}', which has no effect on sites of Gatehouse" in message
    assert f"{remedy} For servers of your own write it into a file in conf.d. Nothing was changed." in message


@pytest.mark.parametrize(
    "snippet",
    [
        *(
            "",
            "map $a $b { default 1; }",
            "limit_req_zone $a zone=b:1m rate=1r/s;",
            "large_client_header_buffers 4 9k;",
        ),
        *("server { listen 81; add_header X-A b; gzip off; }", "proxy_read_timeout 5m;", "log_format a b;"),
    ],
)
def test_accepts_what_has_an_effect(snippet):
    assert check(snippet) is None


def test_the_list_is_that_of_the_templates():
    names = set()
    for file in ("server.conf.j2", "tls.conf.j2"):
        names |= set(re.findall(r"^(\w+) ", (TEMPLATES / file).read_text(), re.MULTILINE))
    # nginx.conf has `server_tokens` itself, so nginx refuses a second one.
    others = {"set", "if", "location", "error_page", "server_tokens"}
    assert set(http_snippet.OF_SERVERS) - {"client_max_body_size"} == names - others
    assert "    client_max_body_size {{" in (TEMPLATES / "site.conf.j2").read_text()
