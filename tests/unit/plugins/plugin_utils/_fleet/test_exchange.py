"""Tests for plugin_utils/_fleet/exchange.py."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.exchange import together

HOSTS = ("web1", "web2")
NOTHING = {"server": "db1", "refused": "there is no snapshot. Nothing was changed.", "snapshot": ""}
PLAN = {"server": "db1", "plan": {"kept": "shop_before_x"}, "would": "Would lose", "snapshot": "20261126T180102Z"}


def found(first, second, members=HOSTS, is_check=False):
    return together(dict(zip(HOSTS, (first, second), strict=True)), members, "shop", is_check=is_check)


def test_hosts_whose_databases_are_their_own_exchange_nothing_together():
    assert found({"changed": True}, {"server": ""})["hosts"] == []


def test_the_host_with_the_backup_holds_the_plan_of_all():
    answer = found(NOTHING, PLAN | {"would": ""})
    assert (answer["hosts"], answer["holder"], answer["plan"]) == (list(HOSTS), "web2", PLAN["plan"])
    assert (answer["refused"], answer["is_interrupted"]) == ("", False)


def test_the_newest_snapshot_is_taken_and_the_backup_of_the_host_that_makes_them():
    old = PLAN | {"snapshot": "20251126T180102Z", "plan": {"kept": "old"}}
    assert found(old, PLAN)["holder"] == "web2"
    assert found(old | {"is_backing_up": True}, PLAN)["holder"] == "web1"


def test_what_would_be_lost_is_said_before_it_is_confirmed_and_refuses_nothing_in_check_mode():
    assert found(NOTHING, PLAN)["refused"] == "shop: Would lose"
    assert found(NOTHING, PLAN, is_check=True)["refused"] == ""


@pytest.mark.parametrize(("only", "is_refused"), [("database", False), ("all", True)])
def test_a_database_that_is_lost_needs_no_confirmation(only, is_refused):
    results = {"web1": PLAN | {"plan": {"only": only, "server": "db1"}}}
    refused = together(results, [], "shop", is_check=False, is_lost=True)["refused"]
    assert ("With -e only=database it alone is brought back" in refused) is is_refused
    assert bool(refused) is is_refused


def test_without_a_backup_on_any_host_it_is_refused():
    assert found(NOTHING, NOTHING)["refused"] == "shop: there is no snapshot. Nothing was changed."


def test_a_rollback_that_was_done_is_not_refused():
    answer = found({"server": "db1", "changed": False, "snapshot": "20261126T180102Z"}, NOTHING)
    assert (answer["refused"], answer["plan"]) == ("", {})


def test_a_host_that_does_not_take_part_refuses_it():
    answer = found(NOTHING, PLAN, members=[*HOSTS, "web3"])
    assert "this run leaves out, or did not reach, web3." in answer["refused"]
    assert "web2" in found(PLAN, {"server": ""})["refused"]


def test_databases_on_several_hosts_are_refused():
    assert "databases on db1, db2. Limit the hosts with -l." in found(PLAN, PLAN | {"server": "db2"})["refused"]


KILLED = {
    "has_backup": False,
    "is_undone": False,
    "is_ready": False,
    "is_switched": False,
    "kept": "killed",
    "busy": "",
}


def killed(**more):
    return {"server": "db1", "interrupted": KILLED | more}


def test_a_run_that_was_killed_is_taken_up_before_a_new_one():
    answer = found(killed(), killed(has_backup=True))
    assert (answer["holder"], answer["is_interrupted"], answer["left"]) == ("web2", True, "all")
    assert answer["plan"] == KILLED | {"has_backup": True}


def test_an_undo_on_one_host_is_one_of_all():
    assert found(killed(is_undone=True), killed(has_backup=True))["plan"]["is_undone"]


@pytest.mark.parametrize(
    ("left", "journal"),
    [
        ("end", {"is_ready": True, "is_switched": True}),
        ("discard", {}),
        ("discard", {"is_ready": True, "is_undone": True}),
    ],
)
def test_what_is_left_where_another_host_has_ended_it(left, journal):
    answer = found({"server": "db1", "snapshot": ""}, killed(**journal))
    assert (answer["left"], answer["begun"], answer["refused"]) == (left, ["web2"], "")


def test_a_host_that_lost_its_journal_in_between_is_refused():
    assert "web1 has lost it" in found(NOTHING, killed(is_ready=True))["refused"]
    answer = found(killed(), killed(kept="other"))
    assert "have the journal" in answer["refused"]


def test_a_run_that_may_be_going_on_is_not_taken_over():
    answer = found(killed(), killed(busy="A step of it works now. Nothing was changed."))
    assert "works on web2. A step of it works now." in answer["refused"]


def test_the_same_rollback_again_does_not_go_back_further():
    done = {"server": "db1", "changed": False, "snapshot": "20261126T180102Z"}
    older = PLAN | {"snapshot": "20251126T180102Z"}
    assert found(older, done)["plan"] == {}
    assert found(PLAN | {"snapshot": "20261127T180102Z"}, done)["holder"] == "web1"


def test_the_host_that_makes_the_backups_must_have_one():
    refused = NOTHING | {"is_backing_up": True, "refused": "name the snapshot"}
    assert found(refused, PLAN)["refused"] == "shop: name the snapshot"
