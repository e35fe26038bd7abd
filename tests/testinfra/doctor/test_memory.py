"""Processes that the kernel kills for lack of memory (helpers/memory.py)."""

import json

import pytest
from helpers.doctor import NAME
from helpers.hosts import eventually, release_of, unit
from helpers.memory import exhausted
from helpers.states import write

JOB = "guestbook-job.service"
# It allocates small amounts of memory all the time.
JOB_UNIT = """[Unit]
Description=A job
[Service]
Type=oneshot
User=guestbook
ExecStart=/usr/bin/python3 -c 'while True: __import__("time").sleep(0.1); b"x" * int(9e6)'
"""


@pytest.fixture(autouse=True)
def vacuumed_journal(driver, doctor):
    """Remove the events of the last hour: then the host is healthy."""
    yield
    driver.shell("journalctl --quiet --rotate; journalctl --quiet --vacuum-time=1s")
    assert doctor() == []


def main_process(driver, service):
    found = driver.shell(f"systemctl show --property=MainPID --value {service}")
    return found if found != "0" else ""


def children(driver, service):
    main = main_process(driver, service)
    return driver.shell(f"cat /proc/{main}/task/{main}/children").split()


def test_a_worker_is_killed(host, driver, only):
    """gunicorn replaces it: the site works again, and the finding explains why some visitors got a 502."""
    service = unit(host, "guestbook", "service")
    # The first one may be a helper process of gunicorn.
    worker = children(driver, service)[-1]
    curl = f"curl --silent --insecure --output /dev/null --max-time 5 --resolve {NAME}:443:127.0.0.1"
    # nginx keeps connections, so that single requests would all reach one worker. A new thread needs new memory.
    many = f"{curl} --parallel --parallel-immediate --parallel-max 16 'https://{NAME}/?n=[1-16]'"
    with exhausted(driver, host, service, worker):
        eventually(lambda: driver.ask("shell", many) and worker not in children(driver, service))
    eventually(lambda: driver.ask("shell", f"{curl} --fail https://{NAME}/")["rc"] == 0)
    finding = only()
    assert finding["site"] == NAME
    assert finding["cause"].startswith("The kernel killed ")
    assert f" of {service}" in finding["cause"]
    assert "`limits: {memory: " in finding["remedy"]


def test_a_job_is_killed(host, driver, only, undo):
    """It stays failed. The record of the release names its unit, as it names those of timers and other processes."""
    release = f"/srv/guestbook/releases/{release_of(host, 'guestbook')}"
    path, record = f"/etc/systemd/system/{JOB}", f"{release}/release.json"
    undo(f"systemctl reset-failed {JOB}; rm {path}; systemctl daemon-reload; mv /root/record {record}")
    driver.shell(f"cp -p {record} /root/record")
    written = json.loads(driver.shell(f"cat {record}"))
    written["units"][path] = JOB_UNIT
    write(driver, path, JOB_UNIT)
    write(driver, record, json.dumps(written))
    driver.shell(f"systemctl daemon-reload; systemctl start --no-block {JOB}")
    main = eventually(lambda: main_process(driver, JOB))
    with exhausted(driver, host, JOB, main):
        state = f"systemctl show --property=ActiveState --value {JOB}"
        eventually(lambda: driver.shell(state), until=lambda state: state == "failed")
    finding = only()
    assert f" of {JOB}: " in finding["cause"]
    assert f"`journalctl -u {JOB}`" in finding["remedy"]
