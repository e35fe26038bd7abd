"""What a run changes, and what it refuses."""

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey
from ansible_collections.gatehouse.django.plugins.module_utils._valkey import access, host, plan, texts

from .conftest import BROKER, CACHE, REMOTE

UNIT = "valkey-server@shop-broker.service"
RUNNING = "ActiveState=active\nUnitFileState=enabled\nMainPID=7\nNeedDaemonReload=no"


def changes(machine, *instances, confirm=""):
    accesses = access.of_instances(valkey.VALKEY, instances)
    return plan.changes(machine.run, valkey.VALKEY, instances, confirm, accesses)


@pytest.fixture
def made(machine, monkeypatch):
    """A host on which the broker runs as it was asked for."""
    drop_in = texts.drop_in(BROKER, valkey.VALKEY)
    machine.write(valkey.configuration("shop-broker"), texts.configuration(BROKER, valkey.VALKEY))
    machine.write(valkey.VALKEY.drop_in("shop-broker"), drop_in)
    machine.write(valkey.socket("shop-broker"), "")
    os.makedirs(valkey.data("shop-broker"))
    machine.states[UNIT] = RUNNING
    digest = drop_in.partition(f"{texts.DIGEST}=")[2][:16]
    monkeypatch.setattr(host, "digest_of", lambda pid: digest if pid == "7" else "")
    return machine


def test_a_new_instance(machine):
    (change,) = changes(machine, CACHE)
    assert list(change.files) == [valkey.configuration("shop-cache"), valkey.VALKEY.drop_in("shop-cache")]
    assert (change.start, change.stop, change.data) == (True, False, "")


def test_a_second_run_changes_nothing(made):
    assert changes(made, BROKER) == []


@pytest.mark.parametrize(
    "state",
    [
        RUNNING.replace("active", "inactive"),
        RUNNING.replace("active", "failed"),
        RUNNING.replace("enabled", "disabled"),
        RUNNING.replace("MainPID=7", "MainPID=8"),
        RUNNING.replace("Reload=no", "Reload=yes"),
    ],
)
def test_an_instance_that_does_not_run_with_its_files_is_started(made, state):
    made.states[UNIT] = state
    (change,) = changes(made, BROKER)
    assert (change.start, change.files) == (True, {})


def test_an_instance_whose_group_was_made_anew_is_restarted(made, monkeypatch):
    monkeypatch.setattr(host, "group_id", lambda _name: 4_242_042)
    assert [change.start for change in changes(made, BROKER)] == [True]


def test_a_changed_limit_restarts(made):
    (change,) = changes(made, {**BROKER, "memory": "128M"})
    assert change.start
    assert len(change.files) == 2


def test_a_file_that_was_edited_is_written_and_the_instance_restarted(made):
    path = valkey.configuration("shop-broker")
    made.write(path, texts.configuration(BROKER, valkey.VALKEY).replace("port 0", "port 6380"))
    (change,) = changes(made, BROKER)
    assert change.files == {path: texts.configuration(BROKER, valkey.VALKEY)}
    assert change.start


@pytest.mark.parametrize(
    ("one", "said"),
    [
        ({**BROKER, "kind": "cache"}, "kind: it is a broker now, and this would make it a cache. Use another name."),
        ({**BROKER, "memory": "900000G"}, r"memory: 900000G is more than the host has \(\d+M\). Use less."),
        ({**BROKER, "memory": "32M"}, "memory: 32M is less than the 40M that the broker holds now"),
    ],
)
def test_refusals(made, monkeypatch, one, said):
    monkeypatch.setattr(valkey, "info", lambda _path: {"used_memory": str(40 << 20)})
    with pytest.raises(plan.Refused, match=f"^shop-broker: {said}.*Nothing was changed.$"):
        changes(made, one)


def test_files_of_others_are_refused(machine):
    machine.write(valkey.configuration("shop-cache"), "port 6379\n")
    with pytest.raises(plan.Refused, match=r"kind: it is no file of Gatehouse .* now"):
        changes(machine, CACHE)


def test_an_instance_that_the_operator_made_is_refused(machine, monkeypatch):
    path = f"{machine.root}/etc/redis/redis-shop-cache.conf"
    machine.write(path, "")
    places = {"redis": path, "valkey": ""}
    monkeypatch.setattr(valkey.Engine, "packaged_configuration", lambda self, _name: places[self.name])
    with pytest.raises(plan.Refused, match="belongs to an instance of this name that Gatehouse did not make"):
        changes(machine, CACHE)


def test_a_stopped_broker_keeps_its_data_and_says_where(made):
    stopped = {**BROKER, "group": None, "state": "stopped"}
    (change,) = changes(made, stopped)
    assert change.files == {valkey.VALKEY.drop_in("shop-broker"): None}
    assert (change.stop, change.data) == (True, "")
    assert change.said == f"shop-broker: stopped. Its data are kept in {valkey.data('shop-broker')}."
    os.unlink(valkey.VALKEY.drop_in("shop-broker"))
    # The unit of that name would be one of others now.
    assert changes(made, stopped) == []


def test_the_data_of_a_broker_go_only_if_confirmed(made):
    absent = {**BROKER, "state": "absent"}
    for confirm in ("", "shop", "other-broker"):
        with pytest.raises(plan.Refused, match=r"would delete .*valkey-shop-broker with all that the broker holds"):
            changes(made, absent, confirm=confirm)
    (change,) = changes(made, absent, confirm="shop-broker")
    assert change.data == valkey.data("shop-broker")
    assert len(change.files) == 2


def test_a_cache_goes_completely(machine):
    machine.write(valkey.configuration("shop-cache"), texts.configuration(CACHE, valkey.VALKEY))
    machine.write(valkey.VALKEY.drop_in("shop-cache"), texts.drop_in(CACHE, valkey.VALKEY))
    machine.states["valkey-server@shop-cache.service"] = RUNNING
    (change,) = changes(machine, {**CACHE, "state": "absent"})
    assert (len(change.files), change.stop, change.data) == (2, True, "")


def test_an_app_of_this_host_does_not_lose_its_broker_to_one_of_other_hosts(made):
    with pytest.raises(plan.Refused, match=r"an app on this host uses it, and would lose it.*Nothing was changed"):
        changes(made, {**BROKER, "remote": REMOTE})
    text = texts.configuration(BROKER, valkey.VALKEY)
    made.write(valkey.configuration("shop-broker"), f"{text}tls-port 16379\n")
    with pytest.raises(plan.Refused, match=r"apps on other hosts use it, and would lose it"):
        changes(made, BROKER)
    # A broker that was stopped keeps its data for either of them.
    os.unlink(valkey.VALKEY.drop_in("shop-broker"))
    made.write(valkey.configuration("shop-broker"), texts.configuration(BROKER, valkey.VALKEY))
    assert [change.start for change in changes(made, {**BROKER, "remote": REMOTE})] == [True]


def test_another_host_that_reaches_it_restarts_nothing(made, monkeypatch):
    monkeypatch.setattr(access, "_used_ports", list)
    (made.root / "server.crt").write_text("certificate")
    one = {**BROKER, "remote": REMOTE}
    found = access.of_instances(valkey.VALKEY, [one])["shop-broker"]
    text = texts.drop_in(one, valkey.VALKEY, found)
    made.write(valkey.configuration("shop-broker"), texts.configuration(one, valkey.VALKEY, found))
    made.write(valkey.VALKEY.drop_in("shop-broker"), text)
    monkeypatch.setattr(host, "digest_of", lambda _pid: text.partition(f"{texts.DIGEST}=")[2][:16])
    second = {**REMOTE, "host": "web2", "address": "192.0.2.2", "known": ["new"]}
    (change,) = changes(made, {**BROKER, "remote": second})
    assert (list(change.files), change.start) == ([valkey.VALKEY.drop_in("shop-broker")], False)
    assert "IPAddressAllow=192.0.2.2" in change.lets_in
    # A run was killed before the drop-in alone says who is let in.
    made.run(["systemctl", "set-property", "--runtime", UNIT])
    (change,) = changes(made, {**one, "remote": {**REMOTE, "known": ["new"]}})
    assert (change.files, change.start, change.lets_in) == ({}, False, text)
    # Anything else in the file does.
    made.write(valkey.VALKEY.drop_in("shop-broker"), text.replace("RestartSec=200ms", "RestartSec=1s"))
    (change,) = changes(made, {**BROKER, "remote": second})
    assert change.start
