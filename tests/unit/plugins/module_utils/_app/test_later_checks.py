"""Checks that are repeated after the switch."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import later_checks

FAILS = json.dumps([{"id": "shop.E001", "text": "ERROR shop.E001: no worker\n\tHINT: \x1bstart it"}])


@pytest.fixture
def ask(monkeypatch):
    """ask(answers): the problems, the commands, and the seconds that were waited."""
    waited = []
    monkeypatch.setattr(later_checks.time, "sleep", waited.append)

    def ask(*answers, has_processes=True):
        left, calls = list(answers), []

        def attempt(argv):
            calls.append(argv)
            return 0, left.pop(0), ""

        user = SimpleNamespace(release="/srv/shop/releases/a-1", python="/python", attempt=attempt)
        return later_checks.problems(user, ["shop.E001"], has_processes=has_processes), calls, waited

    return ask


def test_a_worker_that_answers_a_little_later(ask):
    problems, calls, waited = ask(FAILS, "[]")
    assert (problems, waited) == ([], [later_checks.WAIT_SECONDS])
    assert calls[0] == ["/python", "/srv/shop/releases/a-1/gatehouse/gatehouse_check.py", "shop.E001"]


def test_a_check_that_still_fails(ask):
    problems, calls, _waited = ask(FAILS, FAILS, FAILS)
    assert problems == ["A check still fails after the switch: ERROR shop.E001: no worker HINT: \\x1bstart it"]
    assert len(calls) == later_checks.ATTEMPTS


@pytest.mark.parametrize("answer", ["", "noise", "[1]", '{"a": 1}', "[" * 100_000])
def test_no_answer(ask, answer):
    problems, _calls, _waited = ask(*[answer] * later_checks.ATTEMPTS)
    assert problems == ["The checks shop.E001 could not be repeated after the switch (exit code 0)."]


def test_without_processes_the_checks_are_repeated_once(ask):
    problems, calls, waited = ask(FAILS, has_processes=False)
    assert (len(problems), len(calls), waited) == (1, 1, [])


def test_not_all_findings_are_told(ask):
    many = json.dumps([{"id": "shop.E001", "text": f"finding {number}"} for number in range(1000)])
    problems, _calls, _waited = ask(many, has_processes=False)
    assert len(problems) == later_checks.MAX_FINDINGS + 1
    assert problems[-1] == "980 more findings of these checks remain."
