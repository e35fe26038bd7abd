"""An application that answers with an error of its own."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import app_log, evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import app_error
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service

URL = "http://shop.test/page?token=hidden"
HAND = "location / { proxy_pass http://127.0.0.1:1; }"
TRACEBACK = """Internal Server Error: /page
Traceback (most recent call last):
  File "/srv/hand/shop/views.py", line 8, in page
    return 1 / 0
ZeroDivisionError: division by zero
"""


def test_the_traceback_in_the_journal_of_an_app(visit_to, release):
    text = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; }"
    outputs = [("journalctl --since _SYSTEMD_UNIT=shop-web@1.service", TRACEBACK)]
    finding = app_error.explain(visit_to(text, (URL, Answer(500)), outputs=outputs))
    assert finding.cause == (
        "The app shop itself answers 500 to /page. Its journal says: ZeroDivisionError: division by zero "
        "(/srv/hand/shop/views.py, line 8)"
    )
    assert finding.remedy == "Read `journalctl -n 50 -u 'shop-web@*'`."


@pytest.fixture
def hand(visit_to, monkeypatch):
    """hand(outputs of commands...): the finding for an application of an operator's unit."""
    monkeypatch.setattr(evidence, "service_of", lambda visit: Service("hand.service"))
    return lambda *outputs, status=500, body="": app_error.explain(
        visit_to(HAND, (URL, Answer(status, body=body)), outputs=outputs)
    )


def test_the_journal_of_the_unit_behind_a_port(hand):
    finding = hand(("journalctl --since _SYSTEMD_UNIT=hand.service", TRACEBACK))
    assert "Its journal says: ZeroDivisionError" in finding.cause
    assert finding.remedy == "Read `journalctl -n 50 -u hand.service`."


def test_the_log_file_of_the_application(hand, monkeypatch):
    monkeypatch.setattr(app_log, "_pids", lambda run, unit: [1])
    monkeypatch.setattr(app_log, "_owner", lambda pids: (1000, 1000))
    finding = hand(("timeout setpriv --reuid=1000", json.dumps({"/var/log/hand/django.log": TRACEBACK})))
    assert "Its log /var/log/hand/django.log says: ZeroDivisionError" in finding.cause
    assert finding.remedy == "Read `tail -n 100 /var/log/hand/django.log`."


def test_an_application_that_logs_nothing(hand):
    finding = hand(body="<h1>Server Error (500)</h1>")
    assert "The journal of hand.service says nothing about it. The answer says: Server Error (500)" in finding.cause
    assert "By default Django logs no error to the journal where DEBUG is False" in finding.remedy
    assert "restart hand.service" in finding.remedy


@pytest.mark.parametrize(("status", "is_own"), [(500, True), (503, True), (502, False), (504, False), (404, False)])
def test_the_error_of_another_application(visit_to, status, is_own):
    finding = app_error.explain(visit_to(HAND, (URL, Answer(status))))
    assert bool(finding) == is_own
    if finding:
        assert finding.cause == f"The application behind http://127.0.0.1:1 itself answers {status} to /page."


def test_an_application_that_itself_answers_502(failed_visit):
    assert "itself answers 502" in app_error.explain(failed_visit(HAND, page="A gateway of my own")).cause
    assert app_error.explain(failed_visit(HAND, "connect() failed (111: Connection refused)")) is None
