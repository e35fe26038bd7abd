"""Servers that nginx is to connect to over TLS are asked before."""

from __future__ import annotations

import ssl

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import verified
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import authorities, upstream_tls

PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----"
FIRST, SECOND = "10.0.0.11:443", "[fd00::12]:443"


def live(*servers, down=""):
    lines = "".join(
        f"    server {one} max_fails=1 fail_timeout=10s{' down' if one == down else ''};\n" for one in servers
    )
    return {"sites/shop.conf": f"upstream gatehouse_shop {{\n{lines}}}\n"}


@pytest.fixture
def ask(monkeypatch):
    """ask(before, plain=, secured=): the addresses of servers that accept connections of both kinds."""

    def ask(before, known=(FIRST, SECOND), plain=("10.0.0.11", "fd00::12"), secured=("10.0.0.11", "fd00::12")):
        asked = []

        class Connection:
            def __init__(self, place, **_options):
                if place[0] not in plain:
                    raise ConnectionRefusedError

            def __enter__(self):
                return self

            def __exit__(self, *_error):
                pass

        class Secured:
            def close(self):
                pass

        def connect(place, name, *, cadata, timeout):
            asked.append((*place, name, cadata))
            if place[0] not in secured:
                raise ssl.SSLError("SSL", "no")
            return Secured()

        monkeypatch.setattr(upstream_tls.socket, "create_connection", Connection)
        monkeypatch.setattr(verified, "connect", connect)
        servers = {server: PEM if server in known else "" for server in (FIRST, SECOND)}
        sites = {"shop": {"authorities": {"web": servers}}}
        after = authorities.files("shop", sites["shop"]["authorities"], {})
        # Another site has TLS with them already.
        after |= {"authorities/blog.web.crt": after["authorities/shop.web.crt"]}
        upstream_tls.refuse_unready(sites, before, after)
        return asked

    return ask


def test_hosts_that_accept_tls(ask):
    assert ask(live("10.0.0.11:80", "[fd00::12]:80")) == [
        ("10.0.0.11", 443, "shop.gatehouse.internal", PEM),
        ("fd00::12", 443, "shop.gatehouse.internal", PEM),
    ]


def test_a_host_that_serves_without_tls_and_fails_with_it(ask):
    message = r"site 'shop': TLS with web host \[fd00::12\]:443 fails: it does not accept TLS .* Let port 443"
    with pytest.raises(ValueError, match=message):
        ask(live("10.0.0.11:80", "[fd00::12]:80"), secured=("10.0.0.11",))


def test_a_host_that_the_run_has_left_out(ask):
    with pytest.raises(ValueError, match=r"web host 10\.0\.0\.11:443 fails: this host does not know its certificate"):
        ask(live("10.0.0.11:80"), known=(SECOND,))


@pytest.mark.parametrize(
    ("before", "asked"),
    [
        ({}, []),
        (live(FIRST, SECOND), []),
        (live("10.0.0.11:80", "[fd00::12]:80", down="[fd00::12]:80"), ["10.0.0.11"]),
    ],
    ids=["the site is new", "it has TLS", "the host is drained"],
)
def test_nothing_is_lost_where_it_is_not_asked_without_tls(ask, before, asked):
    assert [place for place, *_more in ask(before, secured=("10.0.0.11",))] == asked


def test_a_dead_host_prevents_nothing(ask):
    assert len(ask(live("10.0.0.11:80", "[fd00::12]:80"), plain=("10.0.0.11",), secured=("10.0.0.11",))) == 1
