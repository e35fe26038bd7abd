"""Backups of an app that would run at once: one waits for the other, or says why not. And a backup gives way to all."""

import time

import pytest
from helpers.backups import record, restic, service
from helpers.hosts import eventually

pytestmark = pytest.mark.long
SERVICE = service("archive")
PROGRAM = "/usr/local/lib/gatehouse/backup/gatehouse-backup"
# As an operator starts the program by hand: systemd would start no second process of the unit.
OTHER = "lab-backup"
BY_HAND = f"systemd-run --quiet --collect --property=PrivateMounts=yes --unit={OTHER}"
GO_ON = f"systemctl kill --signal=CONT {SERVICE}"
UPLOAD = "/srv/archive/data/upload"
# restic reads this for a moment.
FILL = f"runuser -u archive -- sh -c 'head --bytes=50M /dev/urandom >{UPLOAD}'"
HALT = f"until pgrep --full '^restic backup ' >/dev/null; do sleep 0.01; done; systemctl kill --signal=STOP {SERVICE}"


def end_of(host, unit):
    eventually(lambda: host.run("systemctl is-active %s", unit).stdout.strip() in ("inactive", "failed"), 120)


def processes(host, unit):
    """The processes of a unit that runs, by their ids."""
    group = host.check_output("systemctl show --property=ControlGroup --value %s", unit)
    pids = host.check_output("cat /sys/fs/cgroup%s/cgroup.procs", group).split()
    return {pid: host.check_output("cat /proc/%s/comm", pid) for pid in pids}


@pytest.fixture
def halted(host, undo):
    """A backup that was halted while restic writes: when it began."""
    undo(f"rm -f {UPLOAD}; systemctl reset-failed 'gatehouse-backup*'")
    undo(f"{GO_ON} 2>/dev/null; systemctl stop {SERVICE}; systemctl stop {OTHER} 2>/dev/null || true")
    host.check_output(FILL)
    host.check_output("systemctl start --no-block %s", SERVICE)
    host.check_output("timeout 60 sh -c %s", HALT)
    last = record(host, "archive")["last"]
    assert last["result"] == "running"
    return last["began"]


def is_sound(host):
    """Whether all that the repository has can be read; each file of it is compared with its checksum."""
    return "no errors were found" in restic(host, "archive", "check", "--read-data")


def test_a_second_one_waits_for_the_end_of_the_first(host, halted):
    host.check_output(f"{BY_HAND} {PROGRAM} run archive")
    time.sleep(3)
    assert "restic" not in processes(host, OTHER).values()
    assert record(host, "archive")["last"]["began"] == halted
    host.check_output(GO_ON)
    end_of(host, SERVICE)
    assert host.check_output("systemctl show --property=Result --value %s", SERVICE) == "success"
    end_of(host, OTHER)
    last = record(host, "archive")["last"]
    assert last["result"] == "ok", last
    assert last["began"] > halted
    assert last["snapshot"] in restic(host, "archive", "snapshots")
    assert is_sound(host)


def test_one_that_waits_for_too_long_fails_and_says_what_it_waited_for(host, halted):
    done = host.run(f"{BY_HAND} --wait --pipe {PROGRAM} run archive")
    assert done.rc == 1
    main = host.check_output("systemctl show --property=MainPID --value %s", SERVICE)
    assert done.stderr.startswith(
        "The backup of archive failed: Timed out after 60 s waiting for the lock on "
        f"/run/gatehouse/locks/backup-archive, held by process {main} (/usr/bin/python3 {PROGRAM} run archive) for "
    )
    # It is not that one's to record.
    last = record(host, "archive")["last"]
    assert (last["began"], last["result"]) == (halted, "running")
    host.check_output(GO_ON)
    end_of(host, SERVICE)
    last = record(host, "archive")["last"]
    assert (last["began"], last["result"]) == (halted, "ok"), last
    assert last["snapshot"] in restic(host, "archive", "snapshots")
    assert is_sound(host)


def test_it_gives_way_to_apps_and_servers(host, halted):
    """The processes themselves, also restic."""
    found = processes(host, SERVICE)
    assert "restic" in found.values()
    for pid, name in found.items():
        assert host.check_output("ps -o ni= -p %s", pid).strip() == "19", name
        assert host.check_output("ionice -p %s", pid) == "idle", name
        assert host.check_output("cat /proc/%s/oom_score_adj", pid) == "500", name
        assert "/gatehouse_backup.slice/" in host.check_output("cat /proc/%s/cgroup", pid), name
    weights = host.check_output("systemctl show --property=CPUWeight,IOWeight gatehouse_backup.slice").split()
    assert sorted(weights) == ["CPUWeight=10", "IOWeight=10"]
