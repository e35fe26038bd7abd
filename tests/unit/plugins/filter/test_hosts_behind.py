"""The filter hosts_behind: the web hosts of a balancer by what nginx calls them."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.filter.hosts_behind import hosts_behind

VARIABLES = {
    "lb1": {"gatehouse_address": "10.0.0.10"},
    "web1": {"gatehouse_address": "10.0.0.11"},
    "web2": {"ansible_host": "fd00::12"},
}


def test_each_server_has_its_host():
    sites = [
        {"name": "shop", "upstreams": {"shop": ["10.0.0.11:80", "[fd00::12]:80"], "blog": ["10.0.0.11:80"]}},
        {"name": "static"},
        {"name": "old", "state": "absent", "upstreams": {"old": ["10.0.0.10:80"]}},
        {"name": "other", "upstreams": {"other": ["192.0.2.1:80"]}},
    ]
    assert hosts_behind(sites, VARIABLES) == [
        {"server": "10.0.0.11:80", "host": "web1"},
        {"server": "[fd00::12]:80", "host": "web2"},
    ]


def test_a_host_that_is_no_balancer_asks_none():
    assert hosts_behind([{"name": "shop", "app": "shop"}], VARIABLES) == []
