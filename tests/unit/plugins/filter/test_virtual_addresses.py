"""The filters for shared addresses: which host shares which address, on which interface, and who shares it no more."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.gatehouse.django.plugins.filter.address_holders import address_holders
from ansible_collections.gatehouse.django.plugins.filter.lost_peers import lost_peers
from ansible_collections.gatehouse.django.plugins.filter.virtual_addresses import virtual_addresses

GROUPS = {"all": ["lb1", "lb2", "web1"]}
SHARED = ("203.0.113.10",)


def links(private="10.0.0.1", *more):
    """The interfaces of a host: one to the others, and one to visitors."""
    public = [{"local": "203.0.113.2", "prefixlen": 24}, {"local": "2001:db8::2", "prefixlen": 64}]
    return [
        {"ifname": "lo", "addr_info": [{"local": "127.0.0.1", "prefixlen": 8}]},
        {"ifname": "ens3", "addr_info": [*public, *({"local": one, "prefixlen": 32} for one in more)]},
        {"ifname": "ens4", "addr_info": [{"local": private, "prefixlen": 24}]},
    ]


def settings(host="lb1", first=SHARED, second=SHARED, found=None, interface="", **more):
    hostvars = {
        "lb1": {"gatehouse_address": "10.0.0.1", "keepalived_addresses": list(first), **more},
        "lb2": {"gatehouse_address": "10.0.0.2", "keepalived_addresses": list(second)},
        "web1": {"gatehouse_address": "10.0.0.3"},
    }
    own = hostvars[host]["gatehouse_address"]
    return virtual_addresses(found or links(own), host, GROUPS, hostvars, interface)


def test_hosts_with_the_same_addresses_are_peers():
    first, second = settings("lb1"), settings("lb2")
    assert (first["peers"], first["peer_addresses"]) == (["lb2"], ["10.0.0.2"])
    assert (second["peers"], second["source"]) == (["lb1"], "10.0.0.2")
    assert first["router"] == second["router"]
    assert first["priority"] > second["priority"]


def test_an_address_gets_the_interface_of_its_network_and_vrrp_that_of_the_peers():
    found = settings()
    assert found["device"] == "ens4"
    assert found["addresses"] == [{"address": "203.0.113.10", "device": "ens3"}]
    # The host has the address now.
    assert settings(found=links("10.0.0.1", "203.0.113.10")) == found


def test_an_address_of_the_other_family_is_apart():
    both = [*SHARED, "2001:db8::10"]
    found = settings(first=both, second=both)
    assert found["excluded"] == [{"address": "2001:db8::10", "device": "ens3"}]


def test_a_single_host_has_no_peers():
    assert settings(second=[])["peers"] == []


def test_the_operator_names_the_interface_of_an_address_outside_of_all_networks():
    given = ["198.51.100.7"]
    with pytest.raises(AnsibleFilterError, match=r"no interface of lb1 is in a network with 198\.51\.100\.7: name the"):
        settings(first=given, second=given)
    assert settings(first=given, second=given, interface="ens3")["addresses"][0]["device"] == "ens3"
    with pytest.raises(AnsibleFilterError, match="lb1 has no interface 'ens9': it has lo, ens3, ens4"):
        settings(interface="ens9")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["203.0.113.10/24"], r"'203.0.113.10/24' is no IP address: write it like 203.0.113.10, without a prefix"),
        (["shop.example.com"], "is no IP address"),
        (["10.0.0.2"], "10.0.0.2 is the address of a host itself"),
        (["203.0.113.2"], "lb1 has 203.0.113.2 already, on ens3, by its own configuration"),
        (["2001:db8::10"], "keepalived needs an address of IPv4, because lb1 has 10.0.0.1 for the other hosts"),
    ],
)
def test_wrong_addresses_are_refused(given, said):
    with pytest.raises(AnsibleFilterError, match=said) as refused:
        settings(first=given, second=given)
    assert "Nothing was changed" in str(refused.value)


def test_lists_that_share_one_address_must_be_the_same():
    with pytest.raises(AnsibleFilterError, match=r"lb1 and lb2 share 203\.0\.113\.10, but their lists differ"):
        settings(second=[*SHARED, "203.0.113.11"])


def test_a_host_needs_the_address_by_which_its_peers_reach_it():
    with pytest.raises(AnsibleFilterError, match=r"no interface of lb1 has 10\.0\.0\.9"):
        settings(gatehouse_address="10.0.0.9", found=links())


def test_the_hosts_that_have_an_address_are_known():
    of_hosts = {"lb1": links("10.0.0.1", "203.0.113.10"), "lb2": links("10.0.0.2")}
    assert address_holders(["203.0.113.10", "203.0.113.11"], of_hosts) == {"203.0.113.10": ["lb1"], "203.0.113.11": []}


def test_a_peer_that_the_run_does_not_reach_is_lost():
    hostvars = {
        "lb1": {"gatehouse_address": "10.0.0.1"},
        "lb2": {"ansible_host": "10.0.0.2"},
        "lb3": {"gatehouse_address": "fd00:0::3"},
        "far": {"ansible_host": "far.example.com"},
    }
    text = "    unicast_peer {\n        10.0.0.2\n        fd00::3\n    }\n    virtual_ipaddress {\n        10.0.0.9\n"
    assert lost_peers(text, ["lb1"], hostvars) == ["10.0.0.2", "fd00::3"]
    assert lost_peers(text, ["lb1", "lb2", "far"], hostvars) == ["fd00::3"]
    assert lost_peers(text, ["lb1", "lb2", "lb3"], hostvars) == []
    assert lost_peers("", ["lb1"], hostvars) == []
