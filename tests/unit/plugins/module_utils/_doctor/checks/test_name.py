"""A name that no site of the host has, or that DNS leads elsewhere."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import target
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import name as names

SITES = """
server { listen 80 default_server; listen 443 ssl; server_name _; return 444; }
server { listen 443 ssl;
    server_name shop.test *.shop.test; }
server { listen 80; server_name blog.test; }
"""


@pytest.fixture
def unserved(doctor_host):
    def unserved(url, text=SITES):
        host, wanted = doctor_host(text), target.parse(url)
        assert target.find(host, wanted) is None
        return names.explain_unserved(host, wanted)

    return unserved


@pytest.mark.parametrize("url", ["shop.test", "https://www.shop.test/x", "http://blog.test"])
def test_a_name_that_is_served(doctor_host, url):
    assert target.find(doctor_host(SITES), target.parse(url))


def test_the_nearest_name(unserved, tmp_path):
    finding = unserved("https://shpo.test/")
    assert finding.site == "shpo.test"
    assert "Its names are shop.test, *.shop.test, blog.test. The nearest is shop.test" in finding.cause
    assert f"({tmp_path}/nginx.conf:4)" in finding.cause
    assert finding.remedy == "Add shpo.test to server_name of the site that is meant, or request shop.test."


def test_many_names_are_not_all_listed(unserved):
    many = " ".join(f"name{number}.test" for number in range(30))
    assert " and 20 more." in unserved("http://x.test", f"server {{ server_name {many}; }}").cause


def test_no_names_at_all(unserved):
    assert "no site with a name" in unserved("http://x.test", "server { return 444; }").cause


def test_another_port(unserved, tmp_path):
    finding = unserved("http://shop.test:8080/")
    assert f"serves shop.test on port 443 (HTTPS) only ({tmp_path}/nginx.conf:4), not on port 8080" in finding.cause
    finding = unserved("https://blog.test/")
    assert "serves blog.test on port 80 only" in finding.cause
    assert "'tls: acme'" in finding.remedy


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        (["192.0.2.1"], None),
        (["198.51.100.1", "2001:db8::1"], None),
        (["127.0.1.1"], None),
        (["198.51.100.1", "198.51.100.1"], "leads to 198.51.100.1, which is not an address of this host"),
        ([], "finds no address for shop.test"),
    ],
)
def test_where_a_name_leads(doctor_host, monkeypatch, addresses, words):
    def getaddrinfo(name, port, type):
        if not addresses:
            raise socket.gaierror(-2, "Name or service not known")
        return [(0, 0, 0, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(names.socket, "getaddrinfo", getaddrinfo)
    finding = names.check_dns(doctor_host(), "shop.test")
    assert (finding is None) == (words is None)
    if finding:
        assert words in finding.cause
        assert "192.0.2.1" in finding.remedy
