"""Tests for plugin_utils/_fleet/exchange.py."""

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


def test_a_run_that_was_killed_is_taken_up_before_a_new_one():
    killed = {"has_backup": False, "is_undone": False, "kept": "killed"}
    answer = found({"server": "db1", "interrupted": killed}, PLAN)
    assert (answer["holder"], answer["plan"], answer["is_interrupted"]) == ("web1", killed, True)
    holder = killed | {"has_backup": True}
    answer = found({"server": "db1", "interrupted": killed}, {"server": "db1", "interrupted": holder})
    assert (answer["holder"], answer["plan"]) == ("web2", holder)
