"""Tests for plugin_utils/_fleet/hosts.py."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import hosts_of, is_on

GROUPS = {
    "all": ["lb1.example.com", "web1.example.com", "web2.example.com", "db1"],
    "ungrouped": ["db1"],
    "web": ["web1.example.com", "web2.example.com"],
    "balancers": ["lb1.example.com"],
    "empty": [],
}
WEB = ["web1.example.com", "web2.example.com"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("web", WEB),
        (["web2.example.com", "web1.example.com"], WEB),
        ("all:!balancers:!db1", WEB),
        ("web*", WEB),
        ("~web[0-9]", WEB),
        ("web[0]", ["web1.example.com"]),
        ("web:&web2*", ["web2.example.com"]),
        (["balancers", "db1"], ["lb1.example.com", "db1"]),
    ],
)
def test_patterns_select_hosts_in_the_order_of_the_inventory(given, found):
    assert hosts_of({"hosts": given}, GROUPS, "App 'shop'") == found


def test_without_the_option_every_host_is_meant():
    assert hosts_of({}, GROUPS, "App 'shop'") is None
    # As the role passes it.
    assert hosts_of({"hosts": ""}, GROUPS, "App 'shop'") is None
    assert is_on({}, "db1", GROUPS, "App 'shop'")


def test_a_host_outside_is_not_meant():
    assert is_on({"hosts": "web"}, WEB[0], GROUPS, "App 'shop'")
    assert not is_on({"hosts": "web"}, "db1", GROUPS, "App 'shop'")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("wbe", "App 'shop': hosts: unknown group or host of the inventory 'wbe': did you mean 'web'?"),
        (["web", "web3.example.com"], "did you mean 'web"),
        (
            "empty",
            "App 'shop': hosts 'empty' matches no host of the inventory: the group 'empty' is empty: add hosts to",
        ),
        ("x*", "App 'shop': hosts 'x*' matches no host of the inventory: correct it, or add the hosts. Nothing was"),
        ([], "App 'shop': hosts must be a group"),
        (" ", "App 'shop': hosts must be a group"),
        ({"web": None}, "App 'shop': hosts must be a group"),
        ([1], "App 'shop': hosts must be a group"),
    ],
)
def test_a_mistake_is_refused_with_its_remedy(given, message):
    with pytest.raises(ValueError, match=r"^App 'shop': hosts") as refusal:
        hosts_of({"hosts": given}, GROUPS, "App 'shop'")
    assert message in str(refusal.value)
