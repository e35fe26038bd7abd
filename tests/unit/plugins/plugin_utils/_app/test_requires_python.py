"""An interpreter that the project excludes is refused, with the line to write."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import requires_python
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.requires_python import (
    check_python,
    explain,
    remedy,
)


@pytest.fixture(autouse=True)
def versions(monkeypatch):
    monkeypatch.setattr(requires_python, "VERSIONS", ("3.11.3", "3.12.2", "3.12.10", "3.13.4", "3.14.0"))


def required(specifier, marker="", package=""):
    return {"specifier": specifier, "file": "uv.lock", "package": package, "marker": marker}


def test_a_python_that_the_project_excludes():
    check_python("shop", [required(">=3.12")], "3.12.0")
    with pytest.raises(
        ValueError, match=r"shop: python: the project needs Python >=3\.12 \('uv.lock'\), but .* 3\.11\.2"
    ):
        check_python("shop", [required(">=3.12")], "3.11.2")


def test_a_python_that_a_locked_package_excludes():
    with pytest.raises(ValueError, match=r"the locked package django needs Python >=3\.12"):
        check_python("shop", [required(">=3.11"), required(">=3.12", package="django")], "3.11.2")


@pytest.mark.parametrize(
    ("marker", "is_refused"),
    [
        ("python_version < '3.12'", True),
        ("python_version >= '3.12'", False),
        ("sys_platform == 'win32'", False),
        ("sys_platform == 'linux' and extra == ''", True),
        ("what is this", False),
        ("extra == 'dev'", False),
    ],
)
def test_a_package_that_is_not_installed_does_not_matter(marker, is_refused):
    if is_refused:
        with pytest.raises(ValueError, match="needs Python"):
            check_python("shop", [required(">=3.12", marker)], "3.11.2")
    else:
        check_python("shop", [required(">=3.12", marker)], "3.11.2")


def test_a_specifier_that_is_not_valid_is_left_to_uv():
    """Smoke test: nothing is raised."""
    check_python("shop", [required("3.12 or so")], "3.11.2")


@pytest.mark.parametrize(
    ("specifiers", "version", "written"),
    [
        (["==3.12.*"], "3.13.5", "3.12"),
        # The nearest one: the project was tried with it, and most packages have wheels for it.
        ([">=3.12"], "3.11.2", "3.12"),
        (["<3.13"], "3.13.5", "3.12"),
        ([">=3.11", "!=3.12.*,<3.14"], "3.14.0", "3.13"),
        # The minor version stands for its newest patch version.
        (["<=3.12.2,>=3.12"], "3.13.5", "3.12.2"),
        (["==3.12.2"], "3.12.10", "3.12.2"),
        # The minor version would be that of the host again, as with Debian 12's Python 3.11.2 and >=3.11.4.
        ([">=3.12.2,<3.13"], "3.12.1", "3.12.10"),
    ],
)
def test_the_line_to_write(specifiers, version, written):
    assert f'Write python: "{written}" into' in remedy(specifiers, version)
    assert f'django_app_python: "{written}"' in remedy(specifiers, version)


def test_a_requirement_that_no_version_meets():
    assert "uv installs no version of Python that meets this" in remedy(["<3"], "3.13.5")


STATE = "\nState of the host: r is served, as before."


@pytest.mark.parametrize(
    "words",
    [
        "  \xd7 No solution found\n  \u2570\u2500\u25b6 Because the current Python version (3.11.2) does not satisfy\n"
        "      Python>=3.12 and x",
        "error: The requested interpreter resolved to Python 3.11.2, which is incompatible with the project's Python\n"
        "  requirement: `>=3.12` (from `project.requires-python`)",
    ],
)
def test_errors_of_uv_get_the_line_to_write(words):
    failure = explain({"failed": True, "msg": f"shop: {words}{STATE}", "phases": {}}, "3.11.2")
    assert failure["msg"].startswith(f"shop: {words}\n")
    assert (
        'python: the app\'s Python is 3.11.2, and its dependencies need >=3.12. Write python: "3.12"' in failure["msg"]
    )
    assert failure["msg"].endswith(STATE)
    assert failure["phases"] == {}


def test_other_errors_stay_as_they_are():
    failure = {"failed": True, "msg": f"shop: a network is down{STATE}"}
    assert explain(failure, "3.11.2") == failure
