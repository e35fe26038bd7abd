"""A default server gets a `backlog` only where no other `listen` of the address or of its port stands against it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.backlog import BACKLOG, with_backlog


@pytest.fixture
def chosen(tmp_path):
    (tmp_path / "conf.d").mkdir()

    def chosen(*addresses, operator="", snippet="", site=""):
        (tmp_path / "conf.d/operator.conf").write_text(operator)
        (tmp_path / "more.conf").write_text("server { listen 8080 rcvbuf=64k; }")
        main = f"http {{\n    {snippet}\n    include conf.d/*.conf;\n    include gatehouse/live/entry.conf;\n}}"
        return with_backlog(str(tmp_path), {"nginx.conf": main, "sites/shop.conf": site}, addresses)

    return chosen


def test_all_addresses_without_others(chosen):
    assert chosen("80", "[::]:80", "443") == {"80", "[::]:80", "443"}


@pytest.mark.parametrize("option", ["reuseport", "backlog=64", "ipv6only=on", "deferred", "so_keepalive=on", "bind"])
@pytest.mark.parametrize("address", ["80", "*:80", "0.0.0.0:80"])
def test_an_operators_server_keeps_its_options(chosen, address, option):
    assert chosen("80", "443", operator=f"server {{\n  listen {address} {option};\n}}") == {"443"}


@pytest.mark.parametrize("options", ["", " ssl", " default_server", " http2", " quic reuseport"])
def test_an_operators_server_without_options_of_the_socket(chosen, options):
    assert chosen("80", operator=f"server {{ listen 80{options}; }}") == {"80"}


def test_comments_do_not_count(chosen):
    assert chosen("80", operator="# listen 80 reuseport;\n") == {"80"}


def test_one_address_of_a_port_that_all_addresses_have(chosen):
    assert chosen("80", "192.0.2.1:80", "[::1]:80") == {"80", "[::1]:80"}
    assert chosen("192.0.2.1:80", operator="server { listen 80; }") == set()
    assert chosen("[::1]:80", operator="server { listen [::]:80; }") == set()


def test_included_files_and_snippets_count(chosen):
    assert chosen("8080", "80", snippet="include more.conf;") == {"80"}
    assert chosen("8080", "80", operator="include more.conf;") == {"80"}
    assert chosen("8080", "80", snippet="server { listen 8080 reuseport; }") == {"80"}
    assert chosen("8080", "80", site="server {\n    listen 8080 reuseport;\n}") == {"80"}


def test_an_address_without_a_port(chosen):
    assert chosen("192.0.2.1:80", operator="server { listen 192.0.2.1 reuseport; }") == set()


@pytest.mark.parametrize(
    ("name", "setting"), [("web@.socket.j2", r"^Backlog="), ("gunicorn.conf.py.j2", r"\.listen\(")]
)
def test_the_queue_of_an_app_is_as_long_as_that_of_nginx(name, setting):
    template = Path(__file__).parents[5] / "plugins/plugin_utils/_app/templates" / name
    assert re.search(setting + r"(\d+)", template.read_text(), re.MULTILINE)[1] == str(BACKLOG)
