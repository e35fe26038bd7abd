"""Servers of upstreams that are down: what is written is what the templates render, and nothing else changes."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import drained
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.render import render

HOST = EXPECTED | {"conf_dir": "/etc/nginx", "user": "www-data", "ipv6": True, "symlinks": {}}
FIRST, SECOND = "10.0.0.11:80", "[fd00::12]:80"


def site(*servers):
    options = {
        "name": "shop",
        "server_name": ["shop.example.com"],
        "upstreams": {"web": list(servers)},
        "locations": [{"path": "/", "proxy_pass": "http://web"}],
    }
    params = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [options]}).validated_parameters
    return {"sites/shop.conf": render(HOST, params["sites"], None)["sites"]["shop"]["content"]}


def test_a_drained_server_gets_no_requests():
    files = drained.with_drained(site(FIRST, SECOND), {SECOND})
    lines = [line for line in files["sites/shop.conf"].splitlines() if " server " in line]
    assert lines
    assert all(line.endswith(" down;") == (SECOND in line) for line in lines)
    assert drained.drained(files) == {SECOND}
    assert drained.live_servers(files, {SECOND}) == {"gatehouse_shop": [FIRST]}


def test_the_host_that_is_left_is_asked_again():
    """Otherwise a request that it gives back would go to a group without servers."""
    before = site(FIRST, SECOND)["sites/shop.conf"]
    after = drained.drain(before, {SECOND})
    map_line = next(line for line in before.splitlines() if line.endswith(" gatehouse_shop.but1;"))
    assert f"    # {map_line.strip()}" in after.splitlines()
    three = drained.drain(site(FIRST, SECOND, "10.0.0.13:80")["sites/shop.conf"], {SECOND})
    assert "    # " not in "".join(line for line in three.splitlines(keepends=True) if ".but" in line)


@pytest.mark.parametrize("down", [{FIRST}, {SECOND}, {FIRST, SECOND}])
def test_what_was_drained_can_be_used_again(down):
    files = site(FIRST, SECOND)
    assert drained.with_drained(drained.with_drained(files, down), set()) == files


def test_other_files_stay():
    files = {"http.conf": "upstream a {\n    server 10.0.0.11:80 max_fails=0 backup;\n}\n"}
    assert drained.with_drained(files, {FIRST}) == files


def test_a_site_that_has_only_drained_hosts_is_refused():
    assert drained.keep_drained(site(FIRST, SECOND), {SECOND}) == drained.with_drained(site(FIRST, SECOND), {SECOND})
    with pytest.raises(ValueError, match=r"site 'shop': all its hosts are drained"):
        drained.keep_drained(site(FIRST), {FIRST})


def test_a_host_stays_drained_between_plain_http_and_tls():
    first, second = (server.removesuffix(":80") + ":443" for server in (FIRST, SECOND))
    assert drained.drained(drained.keep_drained(site(first, second), {SECOND})) == {second}
    assert drained.drained(drained.keep_drained(site(first, SECOND), {second})) == {SECOND}
    # Another server of the same host is not drained.
    other = SECOND.removesuffix(":80") + ":81"
    assert drained.drained(drained.keep_drained(site(SECOND, other), {SECOND})) == {SECOND}
    assert drained.drained(drained.keep_drained(site(SECOND, other), {other})) == {other}
