"""Commands whose output is bounded."""

from __future__ import annotations

import resource
import sys
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import run


def python(code):
    return [sys.executable, "-c", code]


def test_code_output_and_error_are_answered():
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert run.run_bounded(python(code)) == (3, "out\n", "err\n")


def test_only_the_end_of_endless_output_is_kept():
    code = f"import sys; [sys.stdout.write('x' * {1 << 20}) for _ in range(64)]; print('the end')"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status, out, _err = run.run_bounded(python(code))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (status, len(out), out[-8:]) == (0, run.KEPT, "the end\n")
    assert grown < 40 << 10  # KiB; the output has 64 MiB


def test_standard_input_is_what_was_given_or_empty():
    assert run.run_bounded(["cat"], data="token")[1] == "token"
    assert run.run_bounded(["cat"])[1] == ""


def test_a_process_that_does_not_read_is_no_error():
    assert run.run_bounded(["true"], data="x" * (1 << 20))[0] == 0


def test_directory_and_environment(tmp_path):
    status, out, _err = run.run_bounded(["sh", "-c", "pwd; echo $A"], cwd=str(tmp_path), environ_update={"A": "b"})
    assert (status, out) == (0, f"{tmp_path}\nb\n")


def test_undecodable_bytes_are_escaped():
    assert run.run_bounded(["printf", r"a\377b"])[1] == "a\ufffdb"


def test_a_missing_program_raises():
    with pytest.raises(FileNotFoundError):
        run.run_bounded(["/no/such/program"])


def test_a_process_that_keeps_the_pipe_open_is_not_waited_for():
    started = time.monotonic()
    status, out, _err = run.run_bounded(["sh", "-c", "sleep 20 & echo said; exit 4"])
    assert (status, out) == (4, "said\n")
    assert time.monotonic() - started < 10


def test_environment_input_and_output_of_a_command():
    assert run.run_limited(["cat"], data="x" * 300_000, seconds=10) == (0, "x" * 300_000, "")
    assert run.run_limited(["sh", "-c", "echo out; echo err >&2; exit 3"], data="", seconds=10) == (3, "out\n", "err\n")
    assert run.run_limited(["printf", r"\377"], data="", seconds=10)[1] == "�"


def test_a_command_that_does_not_read():
    assert run.run_limited(["true"], data="x" * 300_000, seconds=10)[0] == 0


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
    assert run.run_limited(["sh", "-c", script], data="", seconds=0.5, limit=100_000)[0] == code
    assert time.monotonic() - started < 4


def test_no_more_is_kept_than_the_limit():
    started = time.monotonic()
    _code, out, _err = run.run_limited(["yes"], data="", seconds=10, limit=1000)
    assert len(out) == 1000
    # It is not waited for either.
    assert time.monotonic() - started < 8
    code, out, err = run.run_limited(
        ["sh", "-c", "head -c 200000 /dev/zero >&2; echo out"], data="", seconds=10, limit=1000
    )
    assert (code, out, len(err)) == (0, "out\n", 1000)
