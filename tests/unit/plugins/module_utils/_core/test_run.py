"""Commands whose output is bounded."""

from __future__ import annotations

import resource
import sys

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import run


def python(code):
    return [sys.executable, "-c", code]


def test_code_output_and_error_are_answered():
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert run.run_bounded(python(code)) == (3, "out\n", "err\n")


def test_the_end_of_endless_output_is_kept_and_nothing_else():
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


def test_bytes_that_are_no_text():
    assert run.run_bounded(["printf", r"a\377b"])[1] == "a\ufffdb"


def test_a_missing_program_raises():
    with pytest.raises(FileNotFoundError):
        run.run_bounded(["/no/such/program"])
