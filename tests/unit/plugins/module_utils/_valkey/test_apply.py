"""The changes are applied, and undone where an instance does not start."""

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.access import property_files
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.apply import Failed, apply
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.plan import Change

UNIT = "valkey-server@shop-broker.service"


@pytest.fixture
def change(machine, monkeypatch):
    monkeypatch.setattr(valkey, "info", lambda _path, _seconds: {})
    paths = valkey.configuration("shop-broker"), valkey.VALKEY.drop_in("shop-broker")
    return Change("shop-broker", UNIT, {path: "new\n" for path in paths}, start=True)


def texts(change):
    return [os.path.exists(path) and open(path, encoding="utf-8").read() for path in change.files]


def test_an_instance_is_made(machine, change):
    apply(machine.run, [change])
    assert texts(change) == ["new\n", "new\n"]
    assert machine.changing() == [
        "systemctl daemon-reload",
        f"systemctl reset-failed {UNIT}",
        f"systemctl enable {UNIT}",
        f"systemctl restart {UNIT}",
    ]


def test_one_that_does_not_start_leaves_nothing(machine, change):
    machine.failing = "restart"
    with pytest.raises(Failed, match=r"does not start: .*Job failed(.|\n)*the instance is not there, as before"):
        apply(machine.run, [change])
    assert texts(change) == [False, False]
    assert machine.changing()[-1] == f"systemctl disable --now {UNIT}"


def test_one_that_does_not_answer_gets_its_earlier_files(machine, change, monkeypatch):
    def no_answer(_path, _seconds):
        raise valkey.NoAnswer("no answer within 10 s")

    monkeypatch.setattr(valkey, "info", no_answer)
    for path in change.files:
        machine.write(path, "old\n")
    with pytest.raises(Failed, match=r"no answer within 10 s(.|\n)*has its earlier configuration again"):
        apply(machine.run, [change])
    assert texts(change) == ["old\n", "old\n"]
    assert machine.changing()[-2:] == ["systemctl daemon-reload", f"systemctl restart {UNIT}"]


def test_an_instance_is_removed_with_its_data(machine, change):
    for path in (*change.files, f"{valkey.data('shop-broker')}/appendonlydir/1.aof"):
        machine.write(path, "old\n")
    link = f"{valkey.STATE_DIRECTORY}/valkey-shop-broker"
    os.symlink("private/valkey-shop-broker", link)
    gone = Change("shop-broker", UNIT, dict.fromkeys(change.files), stop=True, data=valkey.data("shop-broker"))
    apply(machine.run, [gone])
    assert [path for path in (*change.files, gone.data, link) if os.path.lexists(path)] == []
    assert not os.path.exists(os.path.dirname(valkey.VALKEY.drop_in("shop-broker")))
    assert machine.changing() == [f"systemctl disable --now {UNIT}", "systemctl daemon-reload"]


CLIENTS = "# The host web1:\nIPAddressAllow=192.0.2.1/32\n# The host web2:\nIPAddressAllow=192.0.2.2/32\n"
FILTER = "IPAddressAllow= IPAddressAllow=192.0.2.1/32 IPAddressAllow=192.0.2.2/32"


def test_the_packet_filter_of_a_running_unit_changes_without_a_restart(machine):
    path = valkey.VALKEY.drop_in("shop-broker")
    apply(machine.run, [Change("shop-broker", UNIT, {path: CLIENTS}, lets_in=CLIENTS)])
    assert machine.changing() == [f"systemctl set-property --runtime {UNIT} {FILTER}", "systemctl daemon-reload"]
    assert open(path, encoding="utf-8").read() == CLIENTS
    assert property_files(UNIT) == []


@pytest.mark.parametrize("fails", ["set-property", "daemon-reload"])
def test_a_run_that_ends_before_the_packet_filter_is_right_leaves_a_trace(machine, fails):
    path = valkey.VALKEY.drop_in("shop-broker")
    machine.write(path, "old\n")
    machine.failing = fails
    with pytest.raises(Failed):
        apply(machine.run, [Change("shop-broker", UNIT, {path: CLIENTS}, lets_in=CLIENTS)])
    # The drop-in differs, or systemd knows that it has not read it (NeedDaemonReload).
    assert open(path, encoding="utf-8").read() == ("old\n" if fails == "set-property" else CLIENTS)


def test_what_a_killed_run_has_left_goes_before_a_restart(machine, change):
    machine.run(["systemctl", "set-property", "--runtime", UNIT, "IPAddressAllow="])
    apply(machine.run, [Change("shop-broker", UNIT, start=True)])
    assert property_files(UNIT) == []
    assert machine.changing()[1:3] == ["systemctl daemon-reload", f"systemctl reset-failed {UNIT}"]
