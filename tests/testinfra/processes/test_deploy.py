"""A deployment restarts processes and timers after the web processes, and no task is lost."""

import hashlib
import json
import re
from itertools import pairwise

import pytest
from helpers.hosts import eventually, release_of
from plays import NEW_TOKEN, OLD_TOKEN, PASSWORD, SHOWN

PROCESSES = ["worker", "beat"]


@pytest.fixture
def ended(rows):
    """Rows of what has come to its end, by label; waits for all of *labels*."""

    def wait(kind, labels):
        def found():
            return {row["label"]: row for row in rows(kind) if row["ended"]}

        return eventually(found, 60, until=lambda ended: ended.keys() >= set(labels))

    return wait


def environment(host, process):
    pid = host.check_output("systemctl show -P MainPID queue-%s.service", process)
    lines = host.check_output("tr '\\0' '\\n' < /proc/%s/environ", pid).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_there_is_another_release(host, deployed, ask):
    assert release_of(host, "queue") != deployed["before"]
    assert json.loads(ask("/"))["version"] != "1"


def test_the_limits_are_those_of_the_new_release(host, deployed):
    names = {"MemoryMax": str(3 * 2**30), "MemorySwapMax": str(3 * 2**30), "TasksMax": "1000", "CPUWeight": "100"}
    for name, value in names.items():
        assert host.check_output("systemctl show -P %s gatehouse-queue.slice", name) == value
    assert host.check_output("systemctl show -P TasksMax %s", r"gatehouse-queue\x2dtwo.slice") == "2048"


@pytest.mark.parametrize("process", PROCESSES)
def test_processes_run_the_new_release(host, deployed, process):
    release = release_of(host, "queue")
    pid = host.check_output("systemctl show -P MainPID queue-%s.service", process)
    assert environment(host, process)["GATEHOUSE_RELEASE"] == release
    assert host.check_output("readlink /proc/%s/cwd", pid).startswith(f"/srv/queue/releases/{release}/")
    assert f"/srv/queue/releases/{release}/venv/bin/" in host.check_output("tr '\\0' ' ' < /proc/%s/cmdline", pid)


def test_the_running_task_was_finished(host, deployed, ended):
    row = ended("outlast", [deployed["outlast"]])[deployed["outlast"]]
    assert row["release"] == deployed["before"]
    # It did so while its worker was being stopped: otherwise this would prove nothing.
    lines = host.check_output("journalctl --unit=queue-worker.service --output=json --no-pager").splitlines()
    stops = [entry for entry in map(json.loads, lines) if str(entry.get("MESSAGE")).startswith("Stopping ")]
    assert int(stops[-1]["__REALTIME_TIMESTAMP"]) / 1e6 < row["ended"]


def test_no_task_was_lost(deployed, ended):
    assert deployed["failed"] == []
    assert len(deployed["sent"]) >= 10
    found = ended("short", deployed["sent"])
    assert [label for label in deployed["sent"] if label not in found] == []
    assert {row["release"] for row in found.values()} >= {deployed["before"]}


def test_two_schedulers_never_ran_at_the_same_time(deployed):
    assert deployed["looks"] > 50
    assert len(deployed["beats"]) >= 2
    assert deployed["most_beats"] == 1


def test_the_new_scheduler_starts_after_the_old_one(host, deployed, rows):
    release = release_of(host, "queue")
    eventually(lambda: any(row["release"] == release for row in rows("beat")))
    sent = {}
    for row in sorted(rows("beat"), key=lambda row: row["begun"]):
        sent.setdefault((row["release"], row["pid"]), []).append(row["begun"])
    spans = [(times[0], times[-1]) for times in sent.values()]
    assert len(spans) >= 2
    assert all(earlier[1] < later[0] for earlier, later in pairwise(spans))


def test_processes_that_left_the_inventory_are_removed(host, deployed):
    for unit in ("queue-idle.service", "queue-passing.service", "queue-passing.timer"):
        shown = host.check_output("systemctl show -P LoadState -P ActiveState %s", unit)
        assert set(shown.split()) == {"not-found", "inactive"}
    assert host.check_output("find /etc/systemd/system -name 'queue-idle*' -o -name 'queue-passing*'") == ""
    assert host.check_output("pgrep --uid queue --full '^sleep infinity$' | wc -l") == "0"


def test_a_timers_job_that_runs_is_left_alone(host, deployed):
    service = "queue-lasting.service"
    assert deployed["job"] != "0"
    assert host.check_output("systemctl show -P MainPID %s", service) == deployed["job"]
    assert environment(host, "lasting")["GATEHOUSE_RELEASE"] == deployed["before"]
    host.check_output("systemctl stop %s && systemctl start --no-block %s", service, service)
    eventually(lambda: host.check_output("systemctl show -P MainPID %s", service) != "0")
    release = release_of(host, "queue")
    eventually(lambda: environment(host, "lasting").get("GATEHOUSE_RELEASE") == release)
    host.check_output("systemctl stop %s", service)


def test_another_app_was_left_alone(host, deployed):
    assert host.service("queue-two-idle").is_running
    assert host.file("/etc/systemd/system/queue-two-idle.service").exists


def test_every_process_has_the_new_secret(host, deployed, ask, rows, ended):
    new = hashlib.sha256(NEW_TOKEN.encode()).hexdigest()
    assert json.loads(ask("/"))["token"] == new
    ask("/send/short/after-the-rotation")
    assert ended("short", ["after-the-rotation"])["after-the-rotation"]["token"] == new
    assert environment(host, "beat")["JOBS_TOKEN"] == NEW_TOKEN
    host.check_output("systemctl start queue-note.service")
    assert rows("note")[-1]["token"] == new


@pytest.mark.parametrize("secret", [OLD_TOKEN, NEW_TOKEN, PASSWORD])
def test_no_output_shows_a_secret(host, second_release, deployed, secret):
    assert secret not in second_release["output"]
    assert SHOWN in deployed["words"]
    assert secret not in deployed["words"]
    journal = "journalctl --no-pager --output=export"
    assert host.run(f"{journal} | grep --text --quiet --fixed-strings -- {SHOWN}").rc == 0
    assert host.run(f"{journal} --unit='queue*' | grep --text --fixed-strings -- {secret}").rc == 1
    assert host.run(f"systemctl show '*' | grep --fixed-strings -- {secret}").rc == 1


def test_the_phases_are_displayed_while_it_works(host, second_release):
    line = rf"^queue on {host.backend.name}: phase (\w+) \(\d+ s\)$"
    shown = re.findall(line, second_release["output"], re.MULTILINE)
    assert shown
