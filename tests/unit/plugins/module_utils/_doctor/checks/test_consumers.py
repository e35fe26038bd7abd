"""Workers that run and take no work, as their broker and they themselves answer."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import consumers

UNIT = 'ExecStart=/usr/bin/env "PATH=${{PATH}}" "celery" "-A" "shop" {}\n'
UNITS = {"shop-w.service": UNIT.format('"worker"'), "shop-beat.service": UNIT.format('"beat"')}
STATE = "Id=shop-w.service\nActiveState={0}\nMainPID=0\nActiveEnterTimestampMonotonic={1}\n"
WORKERS = {"phase": "workers", "broker": "redis://:pa55@h", "nodes": {"shop-w.service": "celery@h"}}
HEALTHY = {"pids": [["celery@h", 0]], "queues": [["celery@h", 1]]}


@pytest.fixture
def check(doctor_host, release, tmp_path, monkeypatch):
    """check(answer): the findings, and how often the app was asked."""
    monkeypatch.setattr(consumers, "App", lambda name: App(name, str(tmp_path)))
    monkeypatch.setattr(consumers, "processes", lambda app: UNITS)
    monkeypatch.setattr(consumers.asking, "command", lambda *_options: ["ask"])
    (release / "env").write_text('SHOP_TOKEN="pa55"\n')

    def check(answer, active="active", since=0.0):
        asked = []

        def run(argv, data):
            asked.append(argv)
            return 0, json.dumps(answer), ""

        outputs = [
            ("systemctl show shop-w.service", STATE.format(active, int(since * 1e6))),
            ("journalctl", "with pa55\n\nlast\n"),
        ]
        return consumers.check_consumers(doctor_host("", *outputs), "shop.test", "shop", run), len(asked)

    return check


@pytest.mark.parametrize(
    "answer",
    [
        WORKERS | HEALTHY,
        # Not all workers listen, and a worker of another host may have the same name.
        WORKERS | {"nodes": {}},
        WORKERS | {"pids": [["celery@h", 1], ["celery@h", 2]], "queues": [["celery@h", 0], ["celery@h", 1]]},
        WORKERS | {"pids": [["celery@h", 99]], "queues": [["celery@h", 0]]},
        # An answer that was not complete says nothing.
        WORKERS | {"error": "TypeError: x"},
        {"phase": "import", "error": "ImportError: no module named shop"},
        {},
    ],
)
def test_no_finding(check, answer):
    assert check(answer) == ([], 1)


def test_a_worker_that_does_not_run_is_not_asked(check):
    assert check({}, "failed") == ([], 0)


def test_a_broker_that_does_not_answer(check):
    (finding,), _asked = check({"phase": "broker", "broker": "redis://:pa55@h", "error": "Error: no pa55"})
    assert finding.cause == (
        "The broker redis://:********@h does not answer app shop (Error: no ********), so its worker shop-w.service "
        "can take no task. Its journal ends with: with ******** | last."
    )


def test_a_worker_that_does_not_answer(check):
    (finding,), _asked = check(WORKERS)
    assert finding.cause.startswith("The worker shop-w.service of app shop runs, but it does not answer Celery's")
    assert finding.cause.endswith("Its journal ends with: with ******** | last.")
    assert finding.remedy == "`systemctl restart shop-w.service`"
    # It has just started.
    assert check(WORKERS, since=time.monotonic() - 10) == ([], 1)


def test_a_worker_without_a_queue(check):
    (finding,), _asked = check(WORKERS | HEALTHY | {"queues": [["celery@h", 0]]})
    assert "answers, but it takes tasks from no queue" in finding.cause
