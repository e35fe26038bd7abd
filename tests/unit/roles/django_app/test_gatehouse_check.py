"""What the checks of a deployment say, and which findings stop it."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from types import SimpleNamespace

import pytest

FILES = Path(__file__).resolve().parents[4] / "roles/django_app/files"


def finding(level, name, message="wrong", hint="", silenced=False, obj=None):
    return SimpleNamespace(level=level, id=name, msg=message, hint=hint, obj=obj, is_silenced=lambda: silenced)


ERROR = finding(40, "tail.E001", "the one error that stops the deploy", "set X to Y")
WARNINGS = [finding(30, f"tail.W{number:03}") for number in range(16)]


@pytest.fixture
def program(monkeypatch):
    """The module, with as much of Django as it uses; `found` are the findings."""
    found = []

    def run_checks(include_deployment_checks):
        assert include_deployment_checks
        return list(found)

    levels = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
    checks = types.ModuleType("django.core.checks")
    vars(checks).update(levels, run_checks=run_checks)
    core, urls = types.ModuleType("django.core"), types.ModuleType("django.urls")
    core.checks, urls.get_resolver = checks, lambda: SimpleNamespace(url_patterns=[])
    modules = {
        "django": types.ModuleType("django"),
        "django.core": core,
        "django.core.checks": checks,
        "django.urls": urls,
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.syspath_prepend(str(FILES))
    import gatehouse_check

    gatehouse_check.found, gatehouse_check.urls = found, urls
    return gatehouse_check


def test_what_stops_the_deployment_comes_first_and_the_rest_is_counted(program):
    program.found += [*WARNINGS, ERROR, finding(30, "security.W001"), finding(30, None, obj="shop.Model")]
    report, failure = program.check("ERROR", [])
    assert str(failure).splitlines() == [
        "1 of 19 findings of check --deploy stops the deployment:",
        "ERROR tail.E001: the one error that stops the deploy",
        "\tHINT: set X to Y",
        "16 warnings of tail, 1 warning of security and 1 warning of others not shown.",
        "If a check cannot pass before the app runs, write check_ignore: [tail.E001] or check_deploy: never.",
    ]
    assert report["check"].splitlines()[0] == "ERROR tail.E001: the one error that stops the deploy"
    assert "WARNING (without an identifier): shop.Model: wrong" in report["check"]
    assert report["ignored"] == []


def test_many_errors_are_limited(program):
    program.found += [finding(40, f"shop.E{number:03}", "a\nb\nc\nd\ne\nf") for number in range(20)]
    _report, failure = program.check("ERROR", [])
    assert len(str(failure).splitlines()) <= 3 + program.MAX_SHOWN * program.MAX_LINES
    assert "12 errors of shop not shown." in str(failure)


def test_exactly_the_ignored_checks_are_ignored(program):
    other = finding(50, "tail.E002", "another")
    program.found += [ERROR, other]
    report, failure = program.check("ERROR", ["tail.E001"])
    assert "CRITICAL tail.E002: another" in str(failure)
    assert "1 error of tail not shown" in str(failure)
    assert report["ignored"] == ["tail.E001"]
    program.found.remove(other)
    report, failure = program.check("ERROR", ["tail.E001"])
    assert failure is None
    assert "tail.E001" in report["check"]


@pytest.mark.parametrize(("level", "stops"), [("ERROR", False), ("WARNING", True), ("INFO", True), ("never", False)])
def test_the_level(program, level, stops):
    program.found.append(finding(30, "shop.W001"))
    assert bool(program.check(level, [])[1]) is stops


def test_never_stops_for_nothing(program):
    program.found.append(ERROR)
    report, failure = program.check("never", [])
    assert (failure, report["ignored"]) == (None, ["tail.E001"])
    program.urls.get_resolver = lambda: 1 / 0
    program.found.append(None)
    report, failure = program.check("never", [])
    assert (failure, report["check"][:38]) == (None, "The checks ended with AttributeError: "[:38])
    with pytest.raises(AttributeError):
        program.check("ERROR", [])


def test_what_the_project_silences_is_not_found(program):
    program.found.append(finding(40, "shop.E001", silenced=True))
    assert program.check("ERROR", []) == ({"check": "", "ignored": []}, None)


def test_checks_that_the_urlconf_registers_are_run(program):
    program.urls.get_resolver = lambda: SimpleNamespace(url_patterns=program.found.append(ERROR))
    assert program.check("ERROR", [])[1] is not None
