"""nginx ends the connection without an answer."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import closed_connection
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Problem


@pytest.fixture
def explain(visit_to):
    return lambda text, *answer: closed_connection.explain(visit_to(text, ("http://shop.test/", Answer(0, *answer))))


@pytest.mark.parametrize(
    ("problem", "detail", "words"),
    [
        (Problem.CLOSED, "Connection reset", "closes the connection without an answer for http://shop.test/"),
        (Problem.TLS, "WRONG_VERSION_NUMBER", "rejects the TLS handshake for http://shop.test/"),
    ],
)
def test_a_closed_connection(explain, tmp_path, problem, detail, words):
    finding = explain(f"error_log {tmp_path}/own.log;", problem, detail)
    assert finding.cause == f"nginx {words} ({tmp_path}/nginx.conf:2): {detail}."
    assert finding.remedy == f"Read its log: `tail {tmp_path}/own.log`."


def test_the_log_of_the_build(explain, tmp_path):
    assert explain("", Problem.CLOSED).remedy == f"Read its log: `tail {tmp_path}/error.log`."


def test_a_server_that_returns_444(explain, tmp_path):
    finding = explain("return 444;", Problem.CLOSED)
    assert finding.cause == f"nginx closes the connection for shop.test: 'return 444' ({tmp_path}/nginx.conf:3)."


@pytest.mark.parametrize("problem", [Problem.REFUSED, Problem.TIMEOUT, Problem.APP_FAILS])
def test_another_problem(explain, problem):
    assert explain("return 444;", problem) is None
