"""Workers that the doctor cannot ask: it finds nothing wrong with them while they run, and names a stopped one."""

import pytest
from helpers.hosts import eventually
from helpers.states import write

HOME, URL = "/opt/workers", "redis://127.0.0.1:6379/5"
TASKS = f"""
import dramatiq
from dramatiq.brokers.redis import RedisBroker
from huey import RedisHuey

dramatiq.set_broker(RedisBroker(url="{URL}"))
huey = RedisHuey("jobs", url="{URL}")
"""
COMMANDS = {
    "rq": f"rq worker --url {URL} default",
    "huey": "huey_consumer tasks.huey",
    "dramatiq": "dramatiq --processes 1 --threads 1 tasks",
}
# As role django_app writes the unit of a process.
UNIT = """# Made by Gatehouse for the app queue; changes are overwritten.
[Service]
User=queue
WorkingDirectory={home}
Environment=PYTHONPATH={home} PYTHONDONTWRITEBYTECODE=1
ExecStart=/usr/bin/env "PATH={home}/venv/bin:${{PATH}}" {command}
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture
def workers(driver, undo):
    """The units of running workers."""
    units = {name: f"queue-{name}.service" for name in COMMANDS}
    names = " ".join(units.values())
    undo(f"systemctl kill --signal=CONT {names}; systemctl stop {names}; rm -r {HOME} /etc/systemd/system/queue-rq.*")
    undo(
        "rm /etc/systemd/system/queue-huey.service /etc/systemd/system/queue-dramatiq.service; systemctl daemon-reload"
    )
    driver.shell(f"python3 -m venv {HOME}/venv && {HOME}/venv/bin/pip install --quiet rq huey 'dramatiq[redis]'")
    write(driver, f"{HOME}/tasks.py", TASKS)
    for name, unit in units.items():
        write(driver, f"/etc/systemd/system/{unit}", UNIT.format(home=HOME, command=COMMANDS[name]))
    driver.shell(f"systemctl daemon-reload; systemctl start {names}")
    # Each has connected to its broker.
    for unit in units.values():
        group = f"/sys/fs/cgroup$(systemctl show -P ControlGroup {unit})/cgroup.procs"
        pids = f"sed 's/.*/pid=&,/' {group}"
        eventually(lambda pids=pids: driver.shell(f'ss -Htnp dport = :6379 | grep -F "$({pids})" || true'))
    return units


@pytest.mark.long
def test_workers_of_rq_huey_and_dramatiq(driver, workers):
    def findings():
        return [one["cause"] for one in driver.doctor(apps=["queue"])["findings"]]

    assert findings() == []
    for name, unit in workers.items():
        driver.shell(f"systemctl kill --kill-whom=main --signal=STOP {unit}")
        (cause,) = findings()
        assert (
            cause == f"The process {unit} of app queue is stopped by a signal (SIGSTOP), so nothing does its work."
        ), name
        driver.shell(f"systemctl kill --signal=CONT {unit}")
    assert findings() == []
