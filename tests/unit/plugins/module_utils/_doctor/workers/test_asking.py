"""What of an answer, of which an app decides each byte, is taken."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.workers import asking
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.workers.commands import Program, Worker

WORKER = Worker("shop-w.service", Program("celery", "shop", "", (("A", "it's"),)), "w1", "solo")


def test_the_question_is_a_program_of_the_app(monkeypatch):
    asked = []
    monkeypatch.setattr(asking, "command", lambda app, release, seconds, more: [app.name, release, *more])

    def run(argv, data):
        asked.append((argv, data))
        return 0, 'noise\n{"phase": "workers", "nodes": {"shop-w.service": "w1@h"}, "pids": [["w1@h", 7]]}\n', ""

    answer = asking.ask(App("shop", "/srv"), WORKER.program, [WORKER], run)
    assert (answer.phase, answer.nodes, answer.pids) == ("workers", {"shop-w.service": "w1@h"}, {"w1@h": [7]})
    ((argv, data),) = asked
    assert (argv[0], argv[-1]) == ("shop", "OOMScoreAdjust=1000")
    called = {}
    # The end of the program calls it with the question, whatever quotes that contains.
    exec(data.rpartition("\nmain(")[2].join(("main(", "")), {"json": json, "main": called.update})
    assert called["environment"] == {"A": "it's"}
    assert called["workers"] == [{"unit": "shop-w.service", "node": "w1", "pool": "solo"}]


@pytest.mark.parametrize(
    "output",
    ["", "no JSON", "[]", "null", "[" * 100_000, '{"phase": 1, "error": [], "nodes": [], "pids": {}, "queues": 3}'],
)
def test_an_answer_without_content(output):
    assert asking.parse(output) in (asking.Answer(), asking.Answer(phase=""))


def test_only_pairs_of_a_name_and_a_number_count():
    given = {"pids": [["a", 1], ["a", 2], ["b", True], ["c", "3"], ["d"], 4, [5, 6]], "nodes": {"u": 1}}
    answer = asking.parse(json.dumps(given))
    assert (answer.pids, answer.nodes) == ({"a": [1, 2]}, {"u": ""})
