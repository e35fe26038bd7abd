"""Tests for plugin_utils/_fleet/steps.py."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.steps import (
    REASONS,
    migrating,
    problems,
    single,
    unready,
)

HOSTS = ["web1", "web2"]


def result(step="build", **more):
    candidate = {"is_complete": False}
    return {"app": "shop", "step": step, "revision": "abc", "candidate": candidate, "runs_once": False, **more}


def both(first, second):
    return dict(zip(HOSTS, (first, second), strict=True))


@pytest.mark.parametrize("step", REASONS)
def test_hosts_that_have_ended_a_step_keep_no_other_from_the_next(step):
    assert problems(both(result(step), result(step)), "shop", step, HOSTS) == []
    # A host that had nothing to do.
    assert problems(both(result(step), result("build", candidate=None)), "shop", step, HOSTS) == []


@pytest.mark.parametrize("step", REASONS)
@pytest.mark.parametrize(
    ("other", "line"),
    [
        ({}, "web2: an earlier task of the play failed there, or it could not be reached."),
        ({"unreachable": True}, "web2: it could not be reached. To deploy without it, exclude it with --limit."),
        ({"failed": True, "msg": "shop: no\nmore"}, "web2: shop: no"),
        # Of the app before in the inventory.
        # It was looked at before its services were made, which failed.
        (result("all", candidate=None), "web2: the step '{step}' did not run there."),
        (result("switch", app="blog"), "web2: an earlier task of the play failed there, or it could not be reached."),
    ],
)
def test_each_host_that_did_not_end_the_step_is_named(step, other, line):
    assert problems(both(result(step), other), "shop", step, HOSTS) == [
        f"shop: the release is not deployed, because {REASONS[step]}",
        line.format(step=step),
    ]


@pytest.mark.parametrize(
    ("step", "last"), [("start", "build"), ("switch", "start"), ("switch", "cancel"), ("migrate", "all")]
)
def test_a_host_that_is_behind_is_named(step, last):
    assert problems(both(result(step), result(last)), "shop", step, HOSTS)[1:] == [
        f"web2: the step '{step}' did not run there."
    ]
    # Only the hosts before it matter to a host that switches.
    assert problems(both(result(step), result(last)), "shop", step, HOSTS[:1]) == []


def test_different_revisions_are_refused():
    (_reason, line) = problems(both(result(), result(revision="def")), "shop", "build", HOSTS)
    assert line.startswith("The hosts have found different revisions of the source (abc on web1, def on web2)")


def test_the_first_host_that_has_built_the_release_and_can_dump_the_database_migrates():
    assert migrating(both(result(), result()), {}) == "web1"
    assert migrating(both(result(), result()), {"web1": 17, "web2": 17}) == "web1"
    assert migrating(both(result(), result()), {"web1": 15, "web2": 17}) == "web2"
    # It built the release in a run before, which has migrated.
    assert migrating(both(result(candidate={"is_complete": True}), result()), {"web1": 17}) == "web2"
    assert migrating(both(result(candidate=None), {}), {}) == ""


def served(host, revision="abc", runs_once=False):
    app = {"name": "shop", "release": f"{revision}-1", "revision": revision, "runs_once": runs_once}
    return {"item": host, "apps": [app]}


def test_what_runs_on_one_host_stays_there():
    here, there = result(runs_once=True), result()
    assert single(both(there, here), [], "shop") == "web2"
    assert single(both(there, there), [], "shop") == "web1"
    assert single(both(there, there), [served("web3", runs_once=True)], "shop") == "web3"
    # It may run on a host that cannot be asked.
    assert single(both(there, there), [{"item": "web3", "unreachable": True}], "shop") == ""
    assert single(both(there, here), [{"item": "web3", "unreachable": True}], "shop") == "web2"


def test_a_host_that_can_make_the_backup_runs_it():
    here, there = result(runs_once=True), result()
    assert single(both(there, there), [], "shop", ["web2"]) == "web2"
    # The server of the database was upgraded.
    assert single(both(here, there), [], "shop", ["web2"]) == "web2"
    assert single(both(here, there), [], "shop", ["web1", "web2"]) == "web1"
    assert single(both(there, there), [served("web3", runs_once=True)], "shop", ["web2"]) == "web3"
    # The one that could is drained.
    assert single(both(there, result(drained={"since": ""})), [], "shop", ["web2"]) == "web1"
    assert single(both(here, there), [], "shop", []) == "web1"
    # What runs on a host of the play does not run on one that cannot be asked.
    assert single(both(here, there), [{"item": "web3", "unreachable": True}], "shop", ["web2"]) == "web2"


@pytest.mark.parametrize(
    ("left", "alive", "lines"),
    [
        ([], ["lb1", "web1", "web2"], []),
        (["shop"], ["lb1", "web1", "web2"], []),
        ([], ["lb1", "web1"], ["shop was not deployed on web2."]),
        (["shop"], ["lb1", "web1"], ["shop was not deployed on web2."]),
        # A run with -l lb1 may publish the site there, but a host loses no app that no other host got.
        ([], ["lb1"], []),
        (["shop"], ["lb1"], ["shop belongs on web1, web2, and this run has none of them: run it without --limit."]),
    ],
)
def test_a_balancer_and_a_former_host_go_on_as_they_are_if_the_deployment_failed(left, alive, lines):
    groups = {"all": ["lb1", *HOSTS], "web": HOSTS}
    play = ["lb1"] if alive == ["lb1"] else groups["all"]
    assert unready([{"name": "shop", "hosts": "web"}], ["shop"], left, groups, alive, play) == lines


def test_what_runs_on_one_host_is_not_started_on_a_drained_one():
    drained = {"since": "2026-11-26T02:53:00Z"}
    assert single(both(result(drained=drained), result()), [], "shop") == "web2"
    assert single(both(result(drained=drained), result(drained=drained)), [], "shop") == ""
    # A run that was to drain it has ended half way. The play stops it there if it can.
    half = result(drained=drained, runs_once=True)
    assert single(both(half, result()), [], "shop") == "web2"
    assert single(both(half, result()), [served("web3", runs_once=True)], "shop") == "web3"
    assert single(both(half, result(drained=drained)), [], "shop") == ""
    assert single(both(half, result()), [{"item": "web3", "unreachable": True}], "shop") == ""
