"""A worker that ended before it had answered."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import ended_worker
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service

APP = "location / { proxy_pass http://127.0.0.1:1; }"
CLOSED = "upstream prematurely closed connection while reading response header from upstream"
RESET = "recv() failed (104: Connection reset by peer) while reading response header from upstream"


@pytest.mark.parametrize("words", [CLOSED, RESET])
@pytest.mark.parametrize(
    ("journal", "expected"),
    [
        ("[CRITICAL] WORKER TIMEOUT (pid:7)\n", "(WORKER TIMEOUT)"),
        ("[ERROR] Worker (pid:7) was sent SIGSEGV!\n", "was sent SIGSEGV!"),
        ("", "The journal of hand.service says nothing about it"),
    ],
)
def test_what_the_journal_says(failed_visit, monkeypatch, words, journal, expected):
    monkeypatch.setattr(evidence, "service_of", lambda visit: Service("hand.service"))
    finding = ended_worker.explain(failed_visit(APP, words, outputs=[("journalctl", journal)]))
    assert words in finding.cause
    assert expected in finding.cause


def test_another_error(failed_visit):
    assert ended_worker.explain(failed_visit(APP, "connect() failed (111: Connection refused)")) is None
