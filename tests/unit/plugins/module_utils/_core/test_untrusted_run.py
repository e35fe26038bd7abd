"""Commands whose output an app decides."""

from __future__ import annotations

import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted_run import run


def test_what_a_command_is_told_and_says():
    assert run(["cat"], data="x" * 300_000, seconds=10) == (0, "x" * 300_000, "")
    assert run(["sh", "-c", "echo out; echo err >&2; exit 3"], data="", seconds=10) == (3, "out\n", "err\n")
    assert run(["printf", r"\377"], data="", seconds=10)[1] == "�"


def test_a_command_that_does_not_read():
    assert run(["true"], data="x" * 300_000, seconds=10)[0] == 0


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exec sleep 30", -9),
        ("exec yes", -9),
        # They have closed their outputs, or given them to a process that outlives them.
        ("exec >&- 2>&-; sleep 30", -9),
        ("timeout 5 yes & exit 4", 4),
        ("timeout 5 sleep 5 & exit 4", 4),
    ],
)
def test_it_ends_in_time(script, code):
    started = time.monotonic()
    assert run(["sh", "-c", script], data="", seconds=0.5, limit=100_000)[0] == code
    assert time.monotonic() - started < 4


def test_no_more_is_kept_than_the_limit():
    started = time.monotonic()
    _code, out, _err = run(["yes"], data="", seconds=10, limit=1000)
    assert len(out) == 1000
    # It is not waited for either.
    assert time.monotonic() - started < 8
    code, out, err = run(["sh", "-c", "head -c 200000 /dev/zero >&2; echo out"], data="", seconds=10, limit=1000)
    assert (code, out, len(err)) == (0, "out\n", 1000)
