"""The gate's runner counts what it ran, and nothing that fails is lost."""

import sys
from pathlib import Path

import pytest


def run(gate, monkeypatch, capsys, *parts):
    monkeypatch.setattr(gate, "all_parts", lambda: list(parts))
    monkeypatch.setattr(sys, "argv", ["tools/test"])
    code = gate.main()
    return code, capsys.readouterr().out.splitlines()


def report(gate, name, **numbers):
    """A command that writes a JUnit report, as pytest does."""
    attributes = " ".join(f'{key}="{value}"' for key, value in numbers.items())
    path = gate.ARTIFACTS / "junit" / f"{name}.1.xml"
    return ["sh", "-c", f"echo '<testsuites><testsuite {attributes}/></testsuites>' >{path}"]


def test_each_tool_counts_as_one(gate, monkeypatch, capsys):
    parts = [gate.Part("lint", "good", ["true"]), gate.Part("lint", "bad", ["false"])]
    code, said = run(gate, monkeypatch, capsys, *parts)
    assert (code, said[-1]) == (1, "1 passed, 1 failed")


def test_all_passed(gate, monkeypatch, capsys):
    code, said = run(gate, monkeypatch, capsys, gate.Part("lint", "good", ["true"]))
    assert (code, said[-1]) == (0, "1 passed, 0 failed")


def test_preparing_is_no_test_unless_it_fails(gate, monkeypatch, capsys):
    parts = [gate.Part("prepare", "good", ["true"]), gate.Part("prepare", "bad", ["false"])]
    assert run(gate, monkeypatch, capsys, *parts)[1][-1] == "0 passed, 1 failed"


def test_a_part_whose_need_failed_is_not_run_and_counts_as_failed(gate, monkeypatch, capsys):
    parts = [
        gate.Part("prepare", "images", ["false"], lane="lab"),
        gate.Part("molecule", "scenario", ["touch", "ran"], lane="hosts", needs=("images",)),
    ]
    code, said = run(gate, monkeypatch, capsys, *parts)
    assert (code, said[-1]) == (1, "0 passed, 2 failed")
    assert not (gate.ROOT / "ran").exists()


def test_a_command_that_does_not_exist_is_a_failure(gate, monkeypatch, capsys):
    code, said = run(gate, monkeypatch, capsys, gate.Part("lint", "gone", ["/nonexistent"]))
    assert (code, said[-1]) == (1, "0 passed, 1 failed")


def test_every_test_of_a_report_counts(gate, monkeypatch, capsys):
    command = report(gate, "scenario", tests=10, failures=1, errors=1, skipped=2)
    _code, said = run(gate, monkeypatch, capsys, gate.Part("molecule", "scenario", command))
    assert said[-1] == "7 passed, 2 failed"


def test_every_test_of_unittest_counts(gate, monkeypatch, capsys):
    said = r"Ran 20 tests in 2.935s\n\nFAILED (failures=1, errors=2, skipped=3)\n"
    part = gate.Part("unit", "example", ["sh", "-c", f"printf '{said}'; exit 1"])
    assert run(gate, monkeypatch, capsys, part)[1][-1] == "14 passed, 3 failed"


def test_a_scenario_that_verified_nothing_has_failed(gate, monkeypatch, capsys):
    code, said = run(gate, monkeypatch, capsys, gate.Part("molecule", "scenario", ["true"]))
    assert (code, said[-1]) == (1, "1 passed, 1 failed")


def test_a_pytest_that_dies_without_a_report_is_a_failure(gate, monkeypatch, capsys):
    part = gate.Part("unit", "unit", ["sh", "-c", "exit 3", "pytest"])
    assert run(gate, monkeypatch, capsys, part)[1][-1] == "0 passed, 1 failed"


def test_the_end_names_each_failure_and_where_a_part_ended(gate, monkeypatch, capsys):
    words = "tests/x.py::test_b FAILED\\nFAILED tests/x.py::test_b - assert 1 == 2\\ntests/x.py::test_c "
    part = gate.Part("molecule", "data", ["sh", "-c", f"printf '{words}'; exit 1"])
    _code, said = run(gate, monkeypatch, capsys, part, gate.Part("lint", "good", ["true"]))
    named = ["data: FAILED tests/x.py::test_b - assert 1 == 2", "data: ended at tests/x.py::test_c"]
    assert said[-4:-2] == named
    assert said[-1] == "1 passed, 2 failed"


def test_a_failed_part_shows_the_end_of_its_log_and_stops_no_other(gate, monkeypatch, capsys):
    parts = [gate.Part("lint", "bad", ["sh", "-c", "echo why; exit 1"]), gate.Part("lint", "good", ["true"])]
    _code, said = run(gate, monkeypatch, capsys, *parts)
    assert "why" in said
    assert said[-1] == "1 passed, 1 failed"


def test_an_unknown_part_is_refused_by_name(gate, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tools/test", "lnit"])
    with pytest.raises(SystemExit, match="lnit"):
        gate.main()


def test_a_long_scenario_is_run_by_its_name_and_by_the_long_form(gate, monkeypatch):
    def chosen(*words):
        return "molecule-projects" in {part.name for part in gate.choose(list(words))}

    parts = [gate.Part("molecule", f"molecule-{name}", ["true"]) for name in ("default", "projects")]
    monkeypatch.setattr(gate, "all_parts", lambda: parts)
    assert (chosen(), chosen("molecule"), chosen("molecule-projects")) == (False, False, True)
    monkeypatch.setattr(gate, "LONG", True)
    assert (chosen(), chosen("molecule")) == (True, True)


def test_the_order_of_the_scenarios_names_those_that_there_are(gate):
    names = {path.parent.name for path in Path(__file__).parents[3].glob("molecule/*/molecule.yml")}
    assert set(gate.LONGEST_FIRST) - names == set()
