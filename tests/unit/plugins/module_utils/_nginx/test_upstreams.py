"""Groups of servers: what is refused."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_sites
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC

WEB = ["10.0.0.1:80", "[2001:db8::1]:8080", "web3.example.com:80"]


def check(upstreams, proxy_pass="http://web", **location):
    check_options(upstreams=upstreams, locations=[{"path": "/", "proxy_pass": proxy_pass} | location])


def check_options(**options):
    location = {"path": "/", "proxy_pass": "http://web"}
    site = {"name": "shop", "server_name": ["shop.example"], "locations": [location]} | options
    check_sites(ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]}).validated_parameters["sites"])


def test_a_group_of_addresses():
    assert check({"web": WEB}, files=True) is None


@pytest.mark.parametrize(
    ("upstreams", "message"),
    [
        ({"Web": WEB}, "site 'shop': upstreams: 'Web' is not the name of a group"),
        ({"web": "10.0.0.1:80"}, r"upstreams\[web\] must be a list of servers"),
        ({"web": []}, r"upstreams\[web\] must be a list of servers"),
        ({"web": [80]}, r"upstreams\[web\] must be a list of servers"),
        ({"web": ["10.0.0.1"]}, r"upstreams\[web\] '10.0.0.1' is not an address with its port"),
        ({"web": ["http://10.0.0.1:80"]}, r"upstreams\[web\] 'http://10.0.0.1:80' has an invalid port"),
        ({"web": ["10.0.0.1:80/x"]}, r"has a URI part '/x'"),
        ({"web": ["unix:/run/a.sock"]}, "is not an address with its port"),
        ({"web": ["10.0.0.1:80", "10.0.0.1:80"]}, "lists '10.0.0.1:80' twice"),
        ({"web": WEB, "other": WEB}, r"upstreams\[other\] is used by no location: write `proxy_pass: http://other`"),
    ],
)
def test_what_is_no_group(upstreams, message):
    with pytest.raises(ValueError, match=message):
        check(upstreams)


@pytest.mark.parametrize(
    ("releases", "message"),
    [
        ({"other": "/srv/x"}, r"releases\[other\] is for no group"),
        ({"web": "srv/x"}, r"releases\[web\] 'srv/x' is relative"),
    ],
)
def test_the_release_is_that_of_a_group(releases, message):
    with pytest.raises(ValueError, match=message):
        check_options(upstreams={"web": WEB}, releases=releases)


def test_files_are_those_of_a_group():
    with pytest.raises(ValueError, match="location '/': 'files' has an effect only with the proxy_pass of a group"):
        check({}, "http://127.0.0.1:80", files=True)


def test_the_protocol_of_a_balancer_of_connections_is_refused():
    behind = {"addresses": ["10.0.0.9"], "balancers": True, "proxy_protocol": True}
    site = {"name": "a", "server_name": ["a.example"], "locations": [{"path": "/", "proxy_pass": "http://b:80"}]}
    sites = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site | {"behind": behind}]})
    with pytest.raises(ValueError, match="'balancers' are proxies that speak HTTP: remove proxy_protocol"):
        check_sites(sites.validated_parameters["sites"])


PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"other": {}}, r"upstream_authorities\[other\] is for no group in 'upstreams'"),
        ({"web": PEM}, r"upstream_authorities\[web\] must have the servers of the group as keys: 10\.0\.0\.1:80"),
        ({"web": {WEB[0]: PEM, "10.9.9.9:80": PEM}}, "must have the servers of the group as keys"),
        ({"web": dict.fromkeys(WEB, "x")}, r"upstream_authorities\[web\]\[10\.0\.0\.1:80\] is not one certificate"),
        ({"web": dict.fromkeys(WEB, PEM + PEM)}, "is not one certificate in PEM"),
    ],
)
def test_what_are_no_authorities(given, message):
    with pytest.raises(ValueError, match=message):
        check_options(upstreams={"web": WEB}, upstream_authorities=given)


def test_authorities_that_are_not_known_are_empty():
    given = {"web": {**dict.fromkeys(WEB, ""), WEB[0]: PEM}}
    assert check_options(upstreams={"web": WEB}, upstream_authorities=given) is None
