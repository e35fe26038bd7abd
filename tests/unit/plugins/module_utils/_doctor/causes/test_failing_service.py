"""The web service of an app does not keep running."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import failing_service
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Problem

APP = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; }"
SERVICE = "shop-web@1.service"
RUNNING = "LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=0\n"
FAILING = "ActiveState=activating\nSubState=auto-restart\nResult=exit-code\nNRestarts=3\n"


@pytest.fixture
def explain(visit_to, release):
    def explain(state, journal="", answer=None):
        outputs = [(f"systemctl show {SERVICE}", state), ("journalctl", journal)]
        return failing_service.explain(visit_to(APP, ("http://shop.test/", answer or Answer(502)), outputs=outputs))

    return explain


def test_a_service_that_runs(explain):
    assert explain(RUNNING) is None


def test_an_app_that_answers(explain):
    assert explain(FAILING, answer=Answer(500)) is None


def test_a_service_that_systemd_restarts_again_and_again(explain, release):
    (release / "env").write_text('DJANGO_SECRET_KEY="geheim"\n')
    finding = explain(FAILING, "ValueError: geheim is no key")
    assert f"{SERVICE}, does not keep running: it is activating (auto-restart), result exit-code." in finding.cause
    assert finding.cause.endswith("Last line of its journal: ValueError: ******** is no key")
    assert "gatehouse.django.rollback -e app=shop" in finding.remedy


def test_a_service_that_seems_to_run_in_between(explain, monkeypatch):
    states = iter([RUNNING, RUNNING, "ActiveState=failed\nSubState=failed\n"])
    show = failing_service.systemd.show
    monkeypatch.setattr(
        failing_service.systemd, "show", lambda run, unit: show(lambda args: (0, next(states), ""), unit)
    )
    finding = explain(RUNNING, answer=Answer(0, Problem.APP_FAILS))
    assert "does not keep running: it is failed (failed)" in finding.cause
