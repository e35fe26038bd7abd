"""Hosts of the inventory by their addresses."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.filter.names_of_addresses import names_of_addresses


def test_the_hosts_by_the_address_at_which_the_others_reach_them():
    variables = {"web1": {"gatehouse_address": "192.0.2.1", "ansible_host": "198.51.100.1"}, "web2": {}}
    assert names_of_addresses(["web1", "web2"], variables) == {"192.0.2.1": "web1", "web2": "web2"}
