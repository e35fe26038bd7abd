"""A visitor's request as the app gets it."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.forwarded_request import (
    ForwardedRequest,
)

NAME = "shop.example.com"


def forwarded(headers=None, tls=False, port="80"):
    return ForwardedRequest(AppSite(NAME, (NAME,), tls, port, (), 0, "shop", headers=headers), NAME)


@pytest.mark.parametrize(
    ("tls", "port", "host", "proto", "origin"),
    [
        (False, "80", NAME, "http", f"http://{NAME}"),
        (True, "443", NAME, "https", f"https://{NAME}"),
        (True, "8443", f"{NAME}:8443", "https", f"https://{NAME}:8443"),
        # $gatehouse_port leaves out the port that is usual for either scheme, a browser that of its own alone.
        (False, "443", NAME, "http", f"http://{NAME}:443"),
    ],
)
def test_the_headers_of_gatehouses_sites(tls, port, host, proto, origin):
    request = forwarded(tls=tls, port=port)
    assert (request.header("Host"), request.header("x-forwarded-proto"), request.origin) == (host, proto, origin)
    assert request.header("X-Forwarded-Ssl") == ""


def test_the_headers_of_other_sites():
    request = forwarded((("Host", "$http_host"), ("X-Forwarded-Proto", "${scheme}")), tls=True, port="8443")
    assert (request.header("Host"), request.header("X-Forwarded-Proto")) == (f"{NAME}:8443", "https")
    assert (request.header("X-Forwarded-Ssl"), request.configured("X-Forwarded-Ssl")) == ("", None)


def test_a_header_of_another_proxy_is_unknown():
    assert forwarded((("X-Forwarded-Proto", "$http_x_forwarded_proto"),)).header("X-Forwarded-Proto") is None


def test_behind_a_proxy_with_the_certificate_the_port_is_not_the_visitors():
    request = forwarded((("X-Forwarded-Proto", "https"),), port="8080")
    assert (request.scheme, request.origin) == ("https", f"https://{NAME}")


@pytest.mark.parametrize(("tls", "port"), [(False, "80"), (False, "8085"), (True, "8443")])
def test_a_site_of_gatehouse_behind_a_balancer(tls, port):
    key = "0123456789ab"
    own = (("Host", f"$host$gatehouse_port_{key}"), ("X-Forwarded-Proto", f"$gatehouse_scheme_{key}"))
    request = forwarded(own, tls=tls, port=port)
    assert (request.header("Host"), request.header("X-Forwarded-Proto")) == (NAME, "https")
    assert request.origin == f"https://{NAME}"
