"""What may stand in front of a site."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.behind import fronting, network, networks
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_sites
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC

PROXY = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}
ONE = {"addresses": ["10.0.0.5"]}


def site(behind, **options):
    given = {"name": "shop", "server_name": ["shop.example.com"], "locations": [PROXY], "behind": behind} | options
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [given]})
    assert not result.error_messages
    return result.validated_parameters["sites"][0]


@pytest.mark.parametrize(
    ("behind", "options"),
    [
        (ONE, {}),
        (ONE, {"hsts": "max-age=300"}),
        (ONE, {"tls": "self_signed"}),
        ({"addresses": ["10.0.0.0/8", "2001:db8::/32", "::1"], "header": "CF-Connecting-IP"}, {}),
        ({"addresses": ["10.0.0.5"], "proxy_protocol": True, "scheme": "https"}, {}),
    ],
)
def test_accepts(behind, options):
    given = site(behind, **options)
    check_sites([given])
    assert fronting(given) == given["behind"]


@pytest.mark.parametrize("behind", [None, {}])
def test_nothing_stands_in_front(behind):
    given = site(behind)
    check_sites([given])
    assert fronting(given) is None


@pytest.mark.parametrize(
    ("behind", "options", "message"),
    [
        ({"scheme": "https"}, {}, "site 'shop': behind: addresses is missing"),
        ({"proxy_protocol": True}, {}, "addresses is missing"),
        ({"addresses": ["lb.example.com"]}, {}, "'lb.example.com' is not an IP address or a network: write one like"),
        ({"addresses": ["10.0.0.5/8"]}, {}, "'10.0.0.5/8' is not an IP address or a network: write '10.0.0.0/8'"),
        ({"addresses": ["10.0.0.0/255.0.0.0"]}, {}, "is not an IP address or a network"),
        ({"addresses": ["0.0.0.0/0"]}, {}, "'0.0.0.0/0' contains every address"),
        ({"addresses": ["::/0"]}, {}, "'::/0' contains every address"),
        ({"addresses": ["::ffff:10.0.0.5"]}, {}, "'::ffff:10.0.0.5' never matches"),
        ({"addresses": ["10.0.0.5; }"]}, {}, "is not an IP address or a network"),
        (
            ONE | {"header": "X-Real-IP", "proxy_protocol": True},
            {},
            "header 'X-Real-IP' has no effect with proxy_proto",
        ),
        (ONE | {"header": "Forwarded"}, {}, "header 'Forwarded' cannot bring the visitor's address: nginx cannot read"),
        (ONE | {"header": "host"}, {}, "header 'host' cannot bring"),
        (ONE | {"header": "X-Forwarded-Proto"}, {}, "it contains the scheme"),
        (ONE | {"header": "proxy_protocol"}, {}, "set 'proxy_protocol' to true"),
        (ONE | {"header": "X_Real_IP"}, {}, "is not the name of a header"),
        (ONE | {"header": ""}, {}, "is not the name of a header"),
        (ONE, {"tls": "self_signed", "http3": True}, "behind: 'http3' has no effect"),
        ({}, {"hsts": "max-age=300"}, "'hsts' has no effect with tls 'off'"),
    ],
)
def test_refuses(behind, options, message):
    with pytest.raises(ValueError, match="site 'shop'") as refused:
        check_sites([site(behind, **options)])
    assert message in str(refused.value)


def test_networks_are_normalised():
    assert networks({"addresses": ["10.0.0.5/32", "10.0.0.5", "2001:DB8:0::/48", "::1"]}) == [
        *("10.0.0.5", "2001:db8::/48", "::1")
    ]
    assert network("192.0.2.0/24", "x") == "192.0.2.0/24"
