"""The journal, and its present end."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import journal


@pytest.mark.parametrize(("output", "cursor"), [("-- cursor: s=1;i=2\n", "s=1;i=2"), ("", ""), ("-- cursor: \n", "")])
def test_the_end_of_the_journal(output, cursor):
    assert journal.end(lambda argv: (0, output, "")) == cursor


def answer(*messages):
    return "".join(json.dumps({"__CURSOR": f"s=1;i={i}", "MESSAGE": text}) + "\n" for i, text in enumerate(messages))


def test_the_entry_at_the_cursor_is_left_out():
    asked = []

    def run(argv):
        asked.append(argv)
        return 0, answer("old", "new", list(b"\xc3\xa9\x1b"), ["two", "fields"]), ""

    assert journal.read_after(run, "s=1;i=0", ["_PID=7"]) == "new\né\x1b\n['two', 'fields']\n"
    assert asked[0][-2:] == ["--cursor=s=1;i=0", "_PID=7"]


def test_no_entry_is_left_out_if_the_cursor_does_not_match():
    assert journal.read_after(lambda argv: (0, answer("a", "b"), ""), "s=1;i=9", []) == "a\nb\n"


def test_everything_is_read_without_a_cursor():
    asked = []
    assert journal.read_after(lambda argv: (asked.append(argv), (0, answer("a"), ""))[1], "", []) == "a\n"
    assert not any("cursor" in word for word in asked[0])


def test_entries_are_chosen_by_a_clock_that_is_never_set():
    stamped = [{"__MONOTONIC_TIMESTAMP": str(int(at * 1e6)), "MESSAGE": str(at)} for at in (99.9, 100.0, 101.0)]
    out = "\n".join(["no JSON", "[]", "{}", *map(json.dumps, stamped)])
    found = journal.entries(lambda argv: (0, out if "--boot" in argv and "UNIT=a" in argv else "", ""), ["UNIT=a"], 100)
    assert [entry["MESSAGE"] for entry in found] == ["100.0", "101.0"]


def test_the_lines_that_match():
    asked = []
    assert journal.read(lambda argv: (asked.append(argv), (0, "one\n", ""))[1], ["--output=cat", "_PID=7"]) == "one\n"
    assert asked == [["journalctl", "--quiet", "--no-pager", "--output=cat", "_PID=7"]]
