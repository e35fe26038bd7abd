"""Addresses that are written into configuration files."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import is_address, network


@pytest.mark.parametrize(("address", "shown"), [("192.0.2.7", "192.0.2.7/32"), ("2001:DB8:0::7", "2001:db8::7/128")])
def test_the_network_of_one_address(address, shown):
    assert is_address(address)
    assert network(address) == shown


@pytest.mark.parametrize(
    "text", ["", "db1.example.com", "192.0.2.0/24", "fe80::1%eth0", "fe80::1%x\nhost all all all trust"]
)
def test_what_is_none(text):
    """The scope of an address can contain any character."""
    assert not is_address(text)
    with pytest.raises(ValueError, match="is not an IP address"):
        network(text)
