"""Servers that share an address with a site that expects the PROXY protocol."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import proxy_protocol

TLS = {"mode": "self_signed", "listen": ["443"], "options": ["ssl", "proxy_protocol"], "http3": False, "names": []}
SITES = {
    "shop": {"listen": ["80", "[::]:80"], "server_name": ["a"], "proxy_protocol": True, "tls": TLS},
    "blog": {"listen": ["81"], "server_name": ["b"]},
}


def conflict(*lines, path="/etc/nginx/conf.d/old.conf"):
    dump = "\n".join([f"# configuration file {path}:", "server {", *lines, "}", ""])
    return proxy_protocol.conflict(dump, "/etc/nginx", SITES)


def test_each_address_of_a_site():
    assert proxy_protocol.expectations(SITES["shop"]) == {"80": True, "[::]:80": True, "443": True}
    assert proxy_protocol.expectations(SITES["blog"]) == {"81": False}


@pytest.mark.parametrize("address", ["80", "*:80", "0.0.0.0", "[::]:80 default_server", "443 ssl http2", "[::]"])
def test_another_file_without_the_protocol(address):
    found = conflict("server_name x;", f"listen {address};")
    assert found.startswith(f"site 'shop' expects the PROXY protocol on address '{address.split()[0]}'")
    assert "/etc/nginx/conf.d/old.conf:3 listens there without it" in found


@pytest.mark.parametrize(
    "line",
    [
        "listen 80 proxy_protocol;",
        "listen 81;",
        "listen 127.0.0.1:80;",
        "# listen 80;",
        "listen unix:/run/x.sock;",
        "listen 443 quic;",
        "listen localhost:80;",
    ],
)
def test_what_is_no_conflict(line):
    assert conflict(line) is None


def test_our_own_files_are_compared_by_their_records():
    assert conflict("listen 80;", path="/etc/nginx/gatehouse/live/sites/shop.conf") is None
