"""Tests for plugin_utils/_fleet/releases.py."""

import pytest
from ansible_collections.gatehouse.django.plugins.filter.fleet_expected import fleet_expected
from ansible_collections.gatehouse.django.plugins.filter.fleet_others import fleet_others
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.releases import (
    depend_on_host,
    differ,
    expected,
    others,
)


def release(name, configuration="c1"):
    return {"release": name, "configuration": configuration}


def served(host, name="abc-1", configuration="c1"):
    return {"item": host, "apps": [{"name": "shop", **release(name, configuration)}]}


@pytest.mark.parametrize(
    ("one", "other", "is_other"),
    [
        (release("abc-1"), release("abc-1"), False),
        # Another version of Python.
        (release("abc-1"), release("abc-2"), False),
        (release("abc-1"), release("abc-2", "c2"), True),
        (release("abc-1"), release("def-1"), True),
        # That of an earlier version of the collection.
        (release("abc-1"), release("abc-2", ""), False),
        (release("abc-1"), {"release": "abc-2"}, False),
    ],
)
def test_releases_differ_by_source_and_configuration(one, other, is_other):
    assert differ([one, other]) == is_other


def test_hosts_outside_with_another_source_or_configuration_are_listed():
    found = [served("web3"), served("web4", "def-1"), {"item": "web5", "unreachable": True}, {"item": "web6"}]
    found += [served("web7", "abc-9", "c2"), served("web8", "abc-2"), {"item": "web9", "apps": []}]
    named = ["web4 (def-1)", "web7 (abc-9)"]
    assert others(found, "shop", [release("abc-1")]) == fleet_others(found, "shop", [release("abc-1")]) == named
    assert others(found, "shop", []) == []
    assert others(found, "blog", [release("abc-1")]) == []


def test_only_sources_are_compared_where_the_configuration_depends_on_the_host():
    wanted = [release("abc-1"), release("abc-2", "c2")]
    assert others([served("web3", "abc-3", "c3"), served("web4", "def-1")], "shop", wanted) == ["web4 (def-1)"]


def test_balancers_expect_the_release_that_all_hosts_serve():
    assert fleet_expected([release("abc-1"), release("abc-1")], [], "shop") == "abc-1"
    assert expected([release("abc-1")], [served("web3"), {"item": "web4", "unreachable": True}], "shop") == "abc-1"
    assert expected(["abc-1", "abc-1"], [], "shop") == "abc-1"
    assert expected([], [served("web3")], "shop") == "any"
    assert expected([release("abc-1"), release("def-1")], [], "shop") == "any"
    assert expected([release("")], [served("web3")], "shop") == "any"


def test_balancers_expect_the_releases_of_each_python():
    assert expected([release("abc-2"), release("abc-1")], [], "shop") == "abc-1+abc-2"
    assert expected([release("abc-1")], [served("web3", "abc-2")], "shop") == "abc-1+abc-2"
    # Whether the configuration is the same is not known: visitors must not lose the host without a word.
    assert expected([release("abc-1")], [served("web3", "abc-2", "")], "shop") == "abc-1+abc-2"


@pytest.mark.parametrize("old", [served("web3", "abc-0", "c0"), served("web3", "def-1")])
def test_a_host_that_came_back_with_an_old_release_gets_no_visitors(old):
    assert expected([release("abc-1")], [old], "shop") == "abc-1"
    assert expected([release("abc-1"), release("abc-2")], [old], "shop") == "abc-1+abc-2"


def test_balancers_expect_the_releases_of_each_configuration_that_depends_on_the_host():
    wanted, others = [release("abc-1"), release("abc-2", "c2")], [served("web3", "abc-3", "c3"), served("web4", "def")]
    assert expected(wanted, others, "shop") == "abc-1+abc-2+abc-3"


def test_balancers_expect_any_release_where_the_names_are_too_long():
    names = [f"0123456789ab-{number:08x}" for number in range(12)]
    assert expected(names[:11], [], "shop").split("+") == names[:11]
    assert expected(names, [], "shop") == "any"


def test_the_configuration_depends_on_the_host():
    served, wanted = [release("b-1", "b1"), release("b-2", "b2")], [release("a-1", "a1"), release("a-2", "a2")]
    assert depend_on_host(served, wanted)
    # The second host has missed a deployment.
    assert not depend_on_host([release("b-1", "b"), release("b-2", "a")], [release("b-2", "a"), release("b-0", "z")])
    assert not depend_on_host([release("b-1", "b"), {}], [release("a-1", "a"), release("a-2", "")])
