"""What the servers of a site listen on."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import listen

SITE = {
    **{"name": "shop", "state": "present", "listen": None, "tls_listen": None, "tls": "off", "http3": False},
    **{"tls_certificate": None, "tls_key": None, "behind": None, "hosts": None},
}


@pytest.mark.parametrize(("ipv6", "expected"), [(True, ["80", "[::]:80"]), (False, ["80"])])
def test_the_default_addresses(ipv6, expected):
    assert listen.addresses(None, "80", ipv6=ipv6) == [listen.listen_address(one) for one in expected]


def test_all_addresses_of_sites_that_are_present():
    sites = [SITE, SITE | {"state": "absent", "listen": ["8080"]}, SITE | {"tls": "acme", "http3": True}]
    found = listen.all_addresses(sites)
    assert len(found) == len(set(found)) == 6
    assert sorted(one.rpartition(":")[2] for one in found) == ["443", "443", "443/udp", "443/udp", "80", "80"]


def test_http3_needs_a_build_that_has_it():
    host = {"installed": True, "version": "1.22.1", "configure_arguments": [], "ipv6": False, "conf_dir": "/etc/nginx"}
    with pytest.raises(ValueError, match=r"http3 is not supported by nginx 1\.22\.1"):
        listen.tls(host, SITE | {"tls": "files", "http3": True})
