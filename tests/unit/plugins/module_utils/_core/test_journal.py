"""The journal, and its present end."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import journal


@pytest.mark.parametrize(
    ("output", "option"), [("-- cursor: s=1;i=2\n", ["--after-cursor=s=1;i=2"]), ("", []), ("-- cursor: \n", [])]
)
def test_the_end_of_the_journal(output, option):
    assert journal.end(lambda argv: (0, output, "")) == option


def test_the_lines_that_match():
    asked = []
    assert journal.read(lambda argv: (asked.append(argv), (0, "one\n", ""))[1], ["--output=cat", "_PID=7"]) == "one\n"
    assert asked == [["journalctl", "--quiet", "--no-pager", "--output=cat", "_PID=7"]]
