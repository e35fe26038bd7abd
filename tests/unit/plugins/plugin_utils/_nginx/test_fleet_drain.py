"""How web hosts are drained: which balancers change, what is refused, and where what runs on one host goes."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import fleet_drain

GROUPS = {"all": ["lb1", "web1", "web2", "web3", "db1"], "web": ["web1", "web2", "web3"], "balancers": ["lb1"]}
APP = {"name": "shop", "hosts": "web"}
SITE = {"name": "shop", "app": "shop", "hosts": "balancers", "server_name": ["shop.example.com"]}
REACHED = [{"item": "lb1", "expected": {}}]


def hostvars(sites=(SITE,), apps=(APP,)):
    """Only the balancers have the sites, and only the web hosts the apps."""
    return {
        name: {
            "gatehouse_address": f"10.0.0.{number}",
            **({"django_sites": list(sites)} if name == "lb1" else {}),
            **({"django_apps": list(apps)} if name.startswith("web") else {}),
        }
        for number, name in enumerate(GROUPS["all"], 1)
    }


def status(name="shop", release="r1-a", revision="r1", runs_once=False, drained=None, **more):
    app = {"name": name, "release": release, "revision": revision, "runs_once": runs_once}
    return {"apps": [app], "drained": drained, **more}


def planned(*hosts, **inventory):
    found = {host: status() for host in hosts}
    return fleet_drain.plan(found, GROUPS, hostvars(**inventory))


def refused(found, others, balancers=REACHED, back=False):
    plan = fleet_drain.plan(found, GROUPS, hostvars())
    return fleet_drain.problems(plan, found, others, balancers, back=back)


def test_the_balancers_are_those_of_the_inventory():
    plan = planned("web2")
    assert (plan["balancers"], plan["servers"], plan["balancer_addresses"]) == (["lb1"], ["10.0.0.3:80"], ["10.0.0.1"])
    assert (plan["others"], plan["problems"]) == (["web1", "web3"], [])


def test_a_host_without_apps_takes_no_part():
    found = {"web2": status(), "db1": {"apps": [], "drained": None}}
    assert fleet_drain.plan(found, GROUPS, hostvars())["hosts"] == ["web2"]
    only = fleet_drain.plan({"db1": {"apps": []}}, GROUPS, hostvars())
    assert only["problems"] == ["No host of this run has an app: name the web hosts with -l."]


def test_a_host_that_visitors_ask_themselves_is_refused():
    (problem,) = planned("web1", sites=[{"name": "shop", "app": "shop", "server_name": ["a"]}])["problems"]
    assert problem == "web1: visitors of app 'shop' ask this host itself, and no balancer does."


def test_an_app_that_the_inventory_lacks_is_refused():
    (problem,) = planned("web1", apps=[])["problems"]
    assert "the inventory has no app 'shop' for this host" in problem


@pytest.mark.parametrize(
    "others",
    [
        [],
        [{"item": "web2", "unreachable": True}],
        [status(item="web2", drained={"since": ""})],
        [status(item="web2", release="")],
        [status("blog", item="web2")],
    ],
)
def test_the_last_host_of_an_app_is_refused(others):
    (problem,) = refused({"web1": status()}, others)
    assert problem.startswith("web1: app 'shop' would be served by no host")


def test_another_host_is_enough():
    assert refused({"web1": status()}, [{"item": "web2", "unreachable": True}, status(item="web3")]) == []


@pytest.mark.parametrize("back", [False, True])
def test_a_balancer_that_cannot_be_reached_or_refuses(back):
    away = [{"item": "lb1", "unreachable": True, "failed": True}, {"item": "lb2", "failed": True, "msg": "It says no."}]
    first, second = refused({"web1": status()}, [status(item="web2")], away, back)
    assert first.startswith("lb1: the balancer cannot be reached")
    assert second == "lb2: It says no."


@pytest.mark.parametrize(
    ("own", "expected", "others", "text"),
    [
        (
            status(release="r0-a", revision="r0"),
            "r1-a",
            [],
            "it serves release r0-a of app 'shop', and balancers expect r1",
        ),
        (status(release=""), "any", [], "it serves no release"),
        (status(revision="r0"), "any", [status(item="web2")], "it serves revision r0 of app 'shop', and the others r1"),
    ],
)
def test_a_host_with_another_release_does_not_come_back(own, expected, others, text):
    balancers = [{"item": "lb1", "expected": {"shop": expected}}]
    (problem,) = refused({"web1": own}, others, balancers, back=True)
    assert text in problem
    assert "Deploy first" in problem


@pytest.mark.parametrize("expected", ["r1-a", "any"])
def test_a_host_with_the_release_comes_back(expected):
    balancers = [{"item": "lb1", "expected": {"shop": expected}}]
    assert refused({"web1": status()}, [status(item="web2")], balancers, back=True) == []


def moved(own, *others):
    found = {"web1": own}
    return fleet_drain.moves(fleet_drain.plan(found, GROUPS, hostvars()), found, others)


def test_what_runs_on_one_host_goes_to_one_that_serves():
    drained, serving = status(item="web2", drained={"since": ""}), status(item="web3")
    assert moved(status(runs_once=True), drained, serving) == {"shop": "web3"}
    assert moved(status(), drained, serving) == {}


def test_it_is_started_after_a_run_that_only_stopped_it_and_never_twice():
    stopped = status(drained={"since": "", "once": ["shop"]})
    assert moved(stopped, status(item="web2")) == {"shop": "web2"}
    assert moved(stopped, status(item="web2"), status(item="web3", runs_once=True)) == {}
    # This one may run it.
    away = {"item": "web3", "unreachable": True}
    assert moved(stopped, status(item="web2"), away) == {}
    assert moved(status(runs_once=True), status(item="web2"), away) == {"shop": "web2"}
