"""What the doctor finds out about a worker of Celery that runs: whether it takes tasks."""

import pytest
from helpers.hosts import eventually

UNIT = "queue-worker.service"
GROUP = f"/sys/fs/cgroup$(systemctl show -P ControlGroup {UNIT})"
# As the app, in the environment of its release.
CELERY = "cd /srv/queue/current/project; set -a; . ../env; runuser -u queue -- ../venv/bin/celery -A jobs"


@pytest.fixture
def found(driver):
    """found(): causes and remedies that concern the worker, and the seconds that the doctor took."""

    def found():
        answer = driver.doctor(apps=["queue"])
        assert not answer["failed"], answer
        findings = [(one["cause"], one["remedy"]) for one in answer["findings"] if "worker" in one["cause"]]
        return findings, answer["seconds"]

    return found


@pytest.fixture
def one(found):
    """one(words): the only finding has these words; returns its remedy without the quotes."""

    def one(*words):
        ((cause, remedy),), _seconds = found()
        assert [word for word in words if word not in cause] == []
        return remedy.strip("`")

    return one


@pytest.fixture(autouse=True)
def healthy(host, found):
    """The worker takes tasks before and after each test."""

    def started():
        return float(host.check_output("systemctl show -P ActiveEnterTimestampMonotonic %s", UNIT)) / 1e6

    def uptime():
        return float(host.check_output("cut -d' ' -f1 /proc/uptime"))

    # The doctor allows a worker a minute to start.
    eventually(lambda: uptime() - started() > 61, 70)
    yield
    eventually(lambda: found()[0] == [], 40)


def test_a_healthy_worker_is_no_finding(found):
    assert found()[0] == []


def test_a_broker_that_does_not_run(driver, undo, one):
    undo("systemctl start redis-server")
    driver.shell("systemctl stop redis-server")
    remedy = one("The broker redis://127.0.0.1:6379/0 does not answer app queue", "Connection refused", "journal ends")
    assert remedy == "systemctl start redis-server.service"
    driver.shell(remedy)


def test_a_worker_that_a_signal_stopped(driver, undo, one):
    undo(f"systemctl kill --signal=CONT {UNIT}")
    driver.shell(f"systemctl kill --signal=STOP {UNIT}")
    remedy = one(f"The process {UNIT} of app queue is stopped by a signal")
    driver.shell(remedy)


def test_a_worker_that_does_not_answer(driver, undo, found):
    undo(f"echo 0 > {GROUP}/cgroup.freeze")
    # systemd knows nothing of this, and the process is not stopped for ps(1).
    driver.shell(f"echo 1 > {GROUP}/cgroup.freeze")
    ((cause, remedy),), seconds = found()
    assert cause.startswith(f"The worker {UNIT} of app queue runs, but it does not answer Celery's `inspect`")
    assert remedy == f"`systemctl restart {UNIT}`"
    assert seconds < 120


def test_a_worker_without_a_queue(driver, undo, one):
    undo(f"systemctl restart {UNIT}")
    driver.shell(f"{CELERY} control --timeout 30 cancel_consumer celery")
    driver.shell(one("answers, but it takes tasks from no queue"))
