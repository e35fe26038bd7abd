"""The changes are applied, and undone where an instance does not start."""

import os
import sys

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.apply import Failed, apply, let_in
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


def test_the_packet_filter_of_a_running_unit_changes_without_a_restart(machine, monkeypatch):
    monkeypatch.setattr(sys.modules[let_in.__module__], "RUN_DIRECTORY", str(machine.root))
    text = "# The host web1:\nIPAddressAllow=192.0.2.1/32\n# The host web2:\nIPAddressAllow=192.0.2.2/32\n"
    let_in(machine.run, "valkey-server@shop-cache.service", text)
    allowed = "IPAddressAllow= IPAddressAllow=192.0.2.1/32 IPAddressAllow=192.0.2.2/32"
    assert machine.changing() == [
        f"systemctl set-property --runtime valkey-server@shop-cache.service {allowed}",
        "systemctl daemon-reload",
    ]
