"""The one list of headers that nginx sets or drops."""

from __future__ import annotations

import re

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import request_headers as headers
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.render import render

SENT = dict(headers.sent())
# What was seen to be believed: the list may grow, these stay.
ATTACKS = {
    *("Remote-User", "Remote-Addr", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "X-Cluster-Client-IP"),
    *("X-Original-URL", "X-Rewrite-URL", "X-Host", "Front-End-Https", "X-Url-Scheme", "X-Real-IP", "Forwarded"),
    *("X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Protocol", "X-Forwarded-Ssl", "X-Forwarded-Scheme"),
    *("X-Forwarded-Server", "X-Forwarded-Prefix", "X-Accel-Redirect", "Proxy", "Script-Name", "Path-Info"),
}


def test_each_name_is_there_once():
    names = [name.lower() for name, _value in headers.sent()]
    assert len(set(names)) == len(names)
    parts = (headers.SET, headers.ADDRESS, headers.TARGET, headers.IDENTITY, headers.OTHER)
    assert sum(map(len, parts)) == len(headers.SET | headers.DROPPED)


def test_each_dropped_header_has_a_reader():
    assert [name for name, reader in headers.DROPPED.items() if not reader] == []


def test_headers_of_known_attacks_are_dropped():
    assert ATTACKS - headers.DROPPED.keys() == set()


@pytest.mark.parametrize("name", headers.DROPPED)
def test_a_header_is_dropped_in_both_spellings(name):
    assert re.fullmatch(r"[A-Za-z]+(-[A-Za-z]+)*", name)
    assert SENT[name] == SENT[name.replace("-", "_")] == ""


def test_no_spelling_of_a_header_that_nginx_sets_is_passed_on():
    assert SENT | headers.SET == SENT
    others = {name for name in SENT if re.fullmatch("x[-_]forwarded[-_](for|proto)", name.lower())} - headers.SET.keys()
    assert others == {f"X{a}Forwarded{b}{c}" for c in ("For", "Proto") for a, b in ("-_", "_-", "__")}
    assert {SENT[name] for name in others} == {""}


def test_the_template_has_the_list():
    host = EXPECTED | {"conf_dir": "/etc/nginx", "user": "www-data", "ipv6": True}
    text = render(host, [], None)["shared"]["proxy.conf"]
    written = re.findall(r"^proxy_set_header (\S+) (\S+);$", text, re.MULTILINE)
    assert written == [(name, value or '""') for name, value in headers.sent()]
