"""A site's TLS options, and the names that a certificate is right for."""

from __future__ import annotations

from itertools import product

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import tls
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_sites, ports
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC

PROXY = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}


def site(**options):
    given = {"name": "shop", "server_name": ["shop.example.com"], "locations": [PROXY]} | options
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [given]})
    assert not result.error_messages
    return result.validated_parameters["sites"][0]


GOOD = [
    {"tls": False},  # YAML's reading of a bare off
    {"tls": "self_signed", "hsts": "max-age=300", "http3": True, "tls_listen": ["8443", "[::]:8443"]},
    {"tls": "self_signed", "server_name": ["192.0.2.7", ".example.com", "www.example.*"]},
    {"tls": "files", "tls_certificate": "shop.pem"},
    {"tls": "host", "tls_certificate": "/etc/ssl/shop.pem", "server_name": ["*.example.com"]},
    {"tls": "files", "tls_certificate": "shop.crt", "tls_key": "shop.key"},
    {"tls": "acme", "listen": ["8080", "192.0.2.1:80"]},
    {"tls": "acme", "server_name": ["*.example.com", ".example.net"]},
    {"tls": "acme", "hsts": "max-age=31536000; includeSubDomains; preload"},
    {"headers": {"Referrer-Policy": "same-origin", "Permissions-Policy": "camera=(), microphone=()"}},
]


@pytest.mark.parametrize("options", GOOD, ids=str)
def test_accepts(options):
    check_sites([site(**options)])


REFUSED = [
    ({"hsts": "max-age=1"}, "'hsts' has no effect with tls 'off'"),
    ({"http3": True}, "'http3' has no effect with tls 'off'"),
    ({"tls_listen": ["443"]}, "'tls_listen' has no effect with tls 'off'"),
    ({"tls": "files"}, "tls 'files' needs tls_certificate: the path of the certificate on the controller"),
    ({"tls": "host"}, "tls 'host' needs tls_certificate: the path of the certificate on the host"),
    ({"tls": "host", "tls_certificate": "a.pem"}, "tls_certificate 'a.pem' is relative: with tls 'host' give the abs"),
    ({"tls": "host", "tls_certificate": "/a", "tls_key": "/$a"}, "tls_key '/$a' contains '$'"),
    (
        {"tls": "acme", "tls_certificate": "a"},
        "'tls_certificate' has no effect with tls 'acme', only with 'files' and 'host'",
    ),
    ({"tls": "self_signed", "tls_key": "a"}, "'tls_key' has no effect with tls 'self_signed'"),
    ({"tls": "self_signed", "tls_listen": ["https"]}, "tls_listen 'https' is not a port"),
    ({"tls": "self_signed", "tls_listen": ["443", "*:443"]}, "tls_listen '443' and '*:443' are the same address"),
    (
        {"tls": "self_signed", "server_name": ["www.example.*"]},
        "a certificate cannot be issued for server_name 'www.example.*'",
    ),
    ({"tls": "acme", "server_name": ["192.0.2.7"]}, "server_name '192.0.2.7' is an IP address"),
    ({"tls": "acme", "listen": ["8080"]}, "listen 8080 does not include port 80"),
    ({"tls": "acme", "hsts": "31536000"}, "hsts '31536000' is not valid: use 'max-age=300'"),
    ({"tls": "acme", "hsts": "max-age=1; preload"}, "hsts 'max-age=1; preload' is not valid"),
    (
        {"tls": "acme", "hsts": "max-age=300; includeSubDomains; preload"},
        "sets preload, which needs max-age=31536000",
    ),
    ({"headers": {"X A": "b"}}, "headers: 'X A' is not a valid header name"),
    ({"headers": {"strict-transport-security": "b"}}, "use the option 'hsts'"),
    ({"headers": {"Server": "b"}}, "'Server' cannot be set here: nginx sets it"),
    ({"headers": {"Last-Modified": "b"}}, "'Last-Modified' cannot be set here: nginx sets it"),
    ({"headers": {"Cache-Control": "b"}}, "'Cache-Control' cannot be set here"),
    ({"headers": {"X-A": 1}}, "headers: the value of 'X-A' must be a string: quote it"),
    ({"headers": {"X-A": "$host"}}, "headers: the value of 'X-A' contains '$'"),
    ({"headers": {"X-A": "a\nb"}}, "headers: the value of 'X-A' contains a control character"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[message for _options, message in REFUSED])
def test_refuses(options, message):
    with pytest.raises(ValueError) as refusal:
        check_sites([site(**options)])
    assert message in str(refusal.value)


def test_the_port_of_https_counts_where_there_is_https():
    assert ports(site()) == {"80"}
    assert ports(site(tls="self_signed")) == {"80", "443"}
    assert ports(site(tls="self_signed", listen=["81"], tls_listen=["8443"])) == {"81", "8443"}


def test_two_sites_with_one_name_on_the_port_of_https():
    one, other = site(tls="self_signed"), site(name="b", tls="self_signed", listen=["8080"])
    with pytest.raises(ValueError, match="claimed by site 'shop' and by site 'b' on port 443"):
        check_sites([one, other])


def test_the_names_that_a_certificate_needs():
    names = ["Shop.example.com", ".example.org", "www.example.*", "*.a.example", "shop.example.com"]
    assert tls.required_names(names) == ["shop.example.com", "example.org", "*.example.org", "*.a.example"]


@pytest.mark.parametrize(
    ("name", "certified", "right"),
    [
        ("a.example", ["a.example"], True),
        ("A.example", ["a.example"], True),
        ("a.b.example", ["*.b.example"], True),
        ("a.a.b.example", ["*.b.example"], False),
        ("b.example", ["*.b.example"], False),
        ("*.b.example", ["*.b.example"], True),
        ("*.a.b.example", ["*.b.example"], False),
        ("192.0.2.7", ["*.0.2.7"], False),
        ("192.0.2.7", ["192.0.2.7"], True),
        ("localhost", ["*"], False),
    ],
)
def test_is_covered(name, certified, right):
    assert tls.is_covered(name, certified) is right


def test_uncovered():
    assert tls.uncovered(["a.example", ".b.example", "www.c.*"], ["a.example", "b.example"]) == [
        ".b.example",
        "www.c.*",
    ]
    assert tls.uncovered([".b.example"], ["b.example", "*.b.example"]) == []


def test_a_wildcard_covers_one_label():
    """All names of up to three labels against each other, by the definition."""
    labels = ["a", "b", "*"]
    names = [".".join(parts) for length in (1, 2, 3) for parts in product(labels, repeat=length)]
    for name, certified in product(names, names):
        star = ".".join(["*", *name.split(".")[1:]])
        expected = name == certified or (star == certified and "." in name and not name.startswith("*"))
        assert tls.is_covered(name, [certified]) is expected, (name, certified)
