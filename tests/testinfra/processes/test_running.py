"""Processes and timers after a boot."""

import hashlib
import json

import pytest
from helpers.hosts import eventually, release_of

PROCESSES = ["worker", "beat"]


@pytest.mark.parametrize("process", PROCESSES)
def test_processes_start_at_boot(host, process):
    assert host.service(f"queue-{process}").is_enabled
    assert host.service(f"queue-{process}").is_running


def test_a_task_runs_in_the_live_release(host, ask, rows):
    ask("/send/short/hello")

    def row():
        return next((row for row in rows("short") if row["label"] == "hello" and row["ended"]), None)

    eventually(row)
    assert (row()["release"], row()["user"]) == (release_of(host, "queue"), "queue")
    place = host.check_output("systemctl show -P ControlGroup queue-worker.service")
    assert str(row()["pid"]) in host.check_output("cat %s", f"/sys/fs/cgroup{place}/cgroup.procs")


@pytest.mark.parametrize(("app", "name"), [("queue", "queue"), ("queue-two", r"queue\x2dtwo")])
def test_all_that_runs_for_an_app_is_in_its_own_slice(host, app, name):
    slices = set(host.check_output("ps -o cgroup= -u %s | sed 's#^0::##; s#/[^/]*$##'", app).split())
    # In a container the path may begin with that of the container.
    assert [path.partition("/gatehouse.slice")[2] for path in slices] == [f"/gatehouse-{name}.slice"]


def test_a_process_can_be_a_program_of_the_host(host):
    pid = host.check_output("systemctl show -P MainPID queue-two-idle.service")
    assert host.check_output("tr '\\0' ' ' < /proc/%s/cmdline", pid).split() == ["sleep", "infinity"]
    assert host.file(f"/proc/{pid}").user == "queue-two"


def test_the_journal_has_the_output_of_a_process_under_its_name(host):
    said = host.check_output("journalctl --unit=queue-worker.service --no-pager")
    assert "queue-worker[" in said
    assert "jobs.tasks.beat" in said or "celery@" in said


def test_systemd_restarts_a_process_each_time(host):
    """More often than systemd's limit allows by itself."""
    service = "queue-two-idle.service"

    def pid():
        return host.check_output("systemctl show -P MainPID %s", service)

    for _time in range(6):
        before = pid()
        host.check_output("systemctl kill --signal=KILL %s", service)
        eventually(lambda before=before: pid() not in ("0", before))


def test_systemd_has_scheduled_the_timers(host):
    listed = host.check_output("systemctl list-timers --all --no-pager")
    assert "queue-note.timer" in listed
    assert host.service("queue-note.timer").is_enabled


def test_a_timers_job_runs_as_the_app(host, ask, rows):
    """The timer started it: nothing else did so up to now."""
    release = release_of(host, "queue")
    eventually(lambda: any(row["release"] == release for row in rows("note")), seconds=30)
    row = rows("note")[-1]
    assert row["user"] == "queue"
    # Neither systemd nor a shell replaced anything.
    assert row["label"] == "100% of $HOME"
    assert row["token"] == json.loads(ask("/"))["token"] != hashlib.sha256().hexdigest()


def test_the_documented_timer_succeeds(host):
    assert host.run("systemctl start queue-clearsessions.service").rc == 0
    assert host.check_output("systemctl show -P Result queue-clearsessions.service") == "success"


def test_a_timer_runs_once_for_the_runs_missed_while_the_host_was_off(host):
    timer = "queue-clearsessions.timer"
    done = "journalctl --sync; journalctl --no-pager --unit=queue-clearsessions.service"

    def runs():
        return host.check_output(done).count("Finished ")

    before = runs()
    host.check_output("systemctl stop %s", timer)
    # When it ran last, as systemd keeps it (systemd.timer(5), Persistent=): many times were missed since.
    host.check_output("touch --date='10 days ago' /var/lib/systemd/timers/stamp-%s", timer)
    host.check_output("systemctl start %s", timer)
    eventually(lambda: runs() > before, 60)
    assert host.check_output("systemctl show -P SubState %s", timer) == "waiting"
    assert runs() == before + 1
