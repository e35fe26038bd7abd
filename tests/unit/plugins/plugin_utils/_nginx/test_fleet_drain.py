"""How web hosts are drained: which balancers change, what is refused, and where what runs on one host goes."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import fleet_drain, fleet_moves

GROUPS = {"all": ["lb1", "web1", "web2", "web3", "db1"], "web": ["web1", "web2", "web3"], "balancers": ["lb1"]}
APP = {"name": "shop", "hosts": "web"}
SITE = {"name": "shop", "app": "shop", "hosts": "balancers", "server_name": ["shop.example.com"]}
REACHED = ({"item": "lb1", "expected": {}},)
EXPECTS = [{"item": "lb1", "expected": {"shop": "r1-a"}}, {"item": "lb2", "expected": {"shop": "any"}}]
OLD = {"release": "r0-a", "revision": "r0"}


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
    assert (plan["balancers"], plan["servers"], plan["balancer_addresses"]) == (
        ["lb1"],
        ["10.0.0.3:80", "10.0.0.3:443"],
        ["10.0.0.1"],
    )
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


@pytest.mark.parametrize("balancers", [REACHED, EXPECTS])
def test_hosts_with_another_release_are_not_enough(balancers):
    (problem,) = refused({"web1": status()}, [status(item="web2", **OLD)], balancers)
    assert problem.startswith("web1: app 'shop' would be served by no host")
    assert refused({"web1": status()}, [status(item="web2", **OLD), status(item="web3")], balancers) == []


def test_a_host_with_an_old_release_can_be_drained():
    assert refused({"web1": status(**OLD)}, [status(item="web2")], EXPECTS) == []
    # It missed a deployment while it was drained. Nothing changes for visitors.
    assert refused({"web1": status(drained={"since": ""}, **OLD)}, [status(item="web2")]) == []


def test_a_host_with_another_python_is_enough():
    balancers = [{"item": "lb1", "expected": {"shop": "r1-a+r1-b"}}]
    assert refused({"web1": status()}, [status(item="web2", release="r1-b")], balancers) == []
    assert len(refused({"web1": status()}, [status(item="web2", release="r1-c")], balancers)) == 1


def test_hosts_with_different_releases_for_different_balancers_are_not_enough():
    balancers = [{"item": "lb1", "expected": {"shop": "r1-a"}}, {"item": "lb2", "expected": {"shop": "r0-a"}}]
    assert len(refused({"web1": status()}, [status(item="web2"), status(item="web3", **OLD)], balancers)) == 1


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
            "it serves release r0-a of app 'shop', and balancers expect r1-a.",
        ),
        (status(release="r1"), "r1-a+r1-b", [], "release r1 of app 'shop', and balancers expect r1-a or r1-b."),
        (status(release=""), "any", [], "it serves no release"),
        (status(revision="r0"), "any", [status(item="web2")], "it serves revision r0 of app 'shop', and the others r1"),
    ],
)
def test_a_host_with_another_release_does_not_come_back(own, expected, others, text):
    balancers = [{"item": "lb1", "expected": {"shop": expected}}]
    (problem,) = refused({"web1": own}, others, balancers, back=True)
    assert text in problem
    assert "Deploy first" in problem


@pytest.mark.parametrize("expected", ["r1-a", "r1-a+r1-b", "any"])
def test_a_host_with_the_release_comes_back(expected):
    balancers = [{"item": "lb1", "expected": {"shop": expected}}]
    assert refused({"web1": status()}, [status(item="web2")], balancers, back=True) == []


def test_a_host_that_one_of_two_balancers_does_not_expect_stays_drained():
    balancers = [{"item": "lb1", "expected": {"shop": "r1-a"}}, {"item": "lb2", "expected": {"shop": "r0-a"}}]
    (problem,) = refused({"web1": status()}, [], balancers, back=True)
    assert "it serves release r1-a of app 'shop', and balancers expect r0-a." in problem


def test_a_drained_host_that_has_lost_its_apps_can_be_brought_back():
    found = {"web1": {"apps": [], "drained": {"since": "", "once": ["shop"]}}}
    plan = fleet_drain.plan(found, GROUPS, hostvars(apps=[]))
    assert (plan["hosts"], plan["apps"], plan["servers"]) == (["web1"], {}, [])
    assert fleet_drain.problems(plan, found, [], [], back=True) == []


def test_the_addresses_of_balancers_are_those_of_connections():
    variables = hostvars()
    variables["lb1"]["gatehouse_address"] = "2001:DB8:0::10"
    assert fleet_drain.plan({"web1": status()}, GROUPS, variables)["balancer_addresses"] == ["2001:db8::10"]


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        (
            {"django_sites": [{"name": "static", "server_name": ["a"], "root": "/var/www"}]},
            "visitors of site 'static' ask this host itself",
        ),
        ({"keepalived_addresses": ["203.0.113.10"]}, "it shares an address (keepalived_addresses)"),
        ({}, "it has the database of blog"),
    ],
)
def test_a_host_with_other_duties_is_not_rebooted(variables, text):
    given = hostvars()
    given["web1"] |= variables
    if not variables:
        given["db1"]["django_apps"] = [{"name": "blog", "database": {"engine": "postgresql", "host": "web1"}}]
    found = {"web1": status()}
    plan = fleet_drain.plan(found, GROUPS, given)
    (problem,) = fleet_drain.problems(plan, found, [status(item="web2")], REACHED, back=False, reboot=True)
    assert problem == f"web1: {text}. Leave it out with -l 'all:!web1', and reboot it by hand."
    assert fleet_drain.problems(plan, found, [status(item="web2")], REACHED, back=False) == []


def test_a_web_host_alone_is_rebooted():
    found = {"web2": status()}
    given = hostvars(apps=[APP | {"database": {"host": "db1"}}])
    given["web2"]["django_sites"] = [SITE]
    plan = fleet_drain.plan(found, GROUPS, given)
    assert fleet_drain.problems(plan, found, [status(item="web1")], REACHED, back=False, reboot=True) == []


def moves(own, *others, back=False, balancers=REACHED):
    found = {"web1": own}
    plan = fleet_drain.plan(found, GROUPS, hostvars())
    return fleet_moves.moves(plan, found, others, balancers, back=back)


def moved(own, *others, **more):
    return moves(own, *others, **more)["hosts"]


def test_what_runs_on_one_host_goes_to_one_that_serves():
    drained, serving = status(item="web2", drained={"since": ""}), status(item="web3")
    assert moved(status(runs_once=True), drained, serving) == {"shop": "web3"}
    assert moved(status(), drained, serving) == {}
    assert moved(status(runs_once=True), status(item="web2", **OLD), serving) == {"shop": "web3"}
    assert moved(status(runs_once=True), status(item="web2", **OLD), serving, balancers=EXPECTS) == {"shop": "web3"}


def test_it_is_started_after_a_run_that_only_stopped_it_and_never_twice():
    stopped = status(drained={"since": "", "once": ["shop"]})
    assert moved(stopped, status(item="web2")) == {"shop": "web2"}
    assert moved(stopped, status(item="web2"), status(item="web3", runs_once=True)) == {}
    # This one may run it.
    away = {"item": "web3", "unreachable": True}
    found = moves(stopped, status(item="web2"), away)
    assert (found["hosts"], len(found["warnings"])) == ({}, 1)
    assert "because web3 could not be asked" in found["warnings"][0]
    assert moved(status(runs_once=True), status(item="web2"), away) == {"shop": "web2"}


def test_a_host_that_is_back_starts_what_ran_there_alone_and_runs_nowhere():
    stopped = status(drained={"since": "", "once": ["shop"]})
    assert moved(stopped, status(item="web2"), back=True) == {"shop": "web1"}
    assert moved(stopped, status(item="web2", runs_once=True), back=True) == {}
    assert moved(status(drained={"since": "", "once": []}), status(item="web2"), back=True) == {}
    found = moves(stopped, status(item="web2"), {"item": "web3", "unreachable": True}, back=True)
    assert (found["hosts"], len(found["warnings"])) == ({}, 1)
