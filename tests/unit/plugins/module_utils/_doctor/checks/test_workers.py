"""Processes of an app that do not run."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import workers

TEXT = "# Made by Gatehouse for the app {0}; changes are overwritten.\n[Unit]\n"
STATE = "Id=shop-mail.service\nActiveState={0}\nSubState={1}\nNRestarts=0\n"


def test_only_the_processes_of_this_app(tmp_path):
    for name, app, end in (
        ("shop-mail.service", "shop", "\n[Install]\n"),
        ("shop-web.service", "shop", "\n[Install]\n"),
        ("shop-clean.service", "shop", ""),
        ("shop-two-mail.service", "shop-two", "\n[Install]\n"),
        ("shop-mail.timer", "shop", "\n[Install]\n"),
    ):
        (tmp_path / name).write_text(TEXT.format(app) + end)
    assert list(workers.processes("shop", str(tmp_path))) == ["shop-mail.service"]
    assert workers.processes("shop", str(tmp_path / "none")) == {}


@pytest.mark.parametrize(
    ("active", "sub", "remedy"),
    [
        ("active", "running", None),
        ("activating", "start", None),
        ("inactive", "dead", "`systemctl start shop-mail.service`"),
        ("activating", "auto-restart", "Read `journalctl -n 50 -u shop-mail.service`"),
        ("failed", "failed", "Read `journalctl -n 50 -u shop-mail.service`"),
    ],
)
def test_the_state_of_a_process(doctor_host, monkeypatch, active, sub, remedy):
    monkeypatch.setattr(workers, "processes", lambda app: {"shop-mail.service": ""})
    outputs = [
        ("systemctl show shop-mail.service", STATE.format(active, sub)),
        ("journalctl", "ValueError: no broker\n"),
    ]
    found = workers.check_workers(doctor_host("", *outputs), "shop.test", "shop")
    assert [one.remedy.startswith(remedy) for one in found] == ([True] if remedy else [])
    if remedy and remedy.startswith("Read"):
        assert "Its journal says: ValueError: no broker" in found[0].cause


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        ({}, "S", None),
        ({}, "T", "kill --signal=CONT"),
        ({"FreezerState": "running"}, "R", None),
        ({"FreezerState": "frozen"}, "S", "thaw"),
        ({"ActiveState": "failed"}, "T", None),
        ({"MainPID": "8"}, "T", None),
    ],
)
def test_a_process_that_something_has_stopped(tmp_path, state, kind, words):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text(f"7 (a) T (b) {kind} 1 7 7 0")
    found = workers.is_stopped({"ActiveState": "active", "MainPID": "7"} | state, str(tmp_path))
    assert (found and found[1]) == words
