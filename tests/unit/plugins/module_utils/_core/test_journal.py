"""The journal, and its present end."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import journal


@pytest.mark.parametrize(
    ("output", "option"), [("-- cursor: s=1;i=2\n", ["--after-cursor=s=1;i=2"]), ("", []), ("-- cursor: \n", [])]
)
def test_the_end_of_the_journal(output, option):
    assert journal.end(lambda argv: (0, output, "")) == option


def test_entries_are_chosen_by_a_clock_that_is_never_set():
    stamped = [{"__MONOTONIC_TIMESTAMP": str(int(at * 1e6)), "MESSAGE": str(at)} for at in (99.9, 100.0, 101.0)]
    out = "\n".join(["no JSON", "[]", "{}", *map(json.dumps, stamped)])
    found = journal.entries(lambda argv: (0, out if "--boot" in argv and "UNIT=a" in argv else "", ""), ["UNIT=a"], 100)
    assert [entry["MESSAGE"] for entry in found] == ["100.0", "101.0"]


def test_the_lines_that_match():
    asked = []
    assert journal.read(lambda argv: (asked.append(argv), (0, "one\n", ""))[1], ["--output=cat", "_PID=7"]) == "one\n"
    assert asked == [["journalctl", "--quiet", "--no-pager", "--output=cat", "_PID=7"]]
