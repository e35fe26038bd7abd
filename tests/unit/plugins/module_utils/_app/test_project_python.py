"""What a project and its locked packages say about the version of Python."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.project_python import (
    MAX_REQUIREMENTS,
    of_poetry,
    paths_of,
    requirements,
)


def found(name, text):
    return [(one["specifier"], one["package"], one["marker"]) for one in requirements({name: text}, "")]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("pyproject.toml", '[project]\nrequires-python = "==3.12.*"', [("==3.12.*", "", "")]),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.12"', [(">=3.12,<4", "", "")]),
        ("pyproject.toml", "[tool.ruff]", []),
        ("pyproject.toml", "[project]\nrequires-python = 3", []),
        ("uv.lock", 'version = 1\nrequires-python = ">=3.13"', [(">=3.13", "", "")]),
        (
            "pylock.toml",
            'requires-python = ">=3.11"\n[[packages]]\nname = "django"\nrequires-python = ">=3.12"\nmarker = "os_name"',
            [(">=3.11", "", ""), (">=3.12", "django", "os_name")],
        ),
        (
            "poetry.lock",
            '[metadata]\npython-versions = "~3.12"\n[[package]]\nname = "django"\npython-versions = ">=3.12"\n'
            '[[package]]\nname = "black"\npython-versions = ">=3.14"\ngroups = ["dev"]\n'
            '[[package]]\nname = "extra"\npython-versions = ">=3.15"\noptional = true\n',
            [(">=3.12,<3.13", "", ""), (">=3.12", "django", "")],
        ),
        (
            "pdm.lock",
            '[metadata]\nrequires_python = ">=3.11"\n[[package]]\nname = "django"\nrequires_python = ">=3.12"\n'
            'groups = ["default"]\n[[package]]\nname = "black"\nrequires_python = ">=3.14"\ngroups = ["dev"]\n',
            [(">=3.11", "", ""), (">=3.12", "django", "")],
        ),
        ("Pipfile.lock", '{"_meta": {"requires": {"python_version": "3.12"}}}', [("==3.12.*", "", "")]),
        ("Pipfile.lock", '{"_meta": {"requires": {"python_full_version": "3.12.4"}}}', [("==3.12.4", "", "")]),
        ("Pipfile.lock", "[]", []),
        ("poetry.lock", "package = 1", []),
        ("poetry.lock", "[[package]]\npython-versions = '>=3.12'\ngroups = 1", []),
        ("pdm.lock", "[[package]]\nrequires_python = '>=3.12'\ngroups = 1", []),
        ("uv.lock", "not toml", []),
        ("uv.lock", f"requires-python = '{'>' * 300}'", []),
    ],
)
def test_what_files_say(name, text, expected):
    assert found(name, text) == expected


def test_a_project_file_that_is_not_valid():
    with pytest.raises(ValueError, match=r"source: 'pyproject.toml' is not valid"):
        requirements({"pyproject.toml": "not toml"}, "")
    with pytest.raises(ValueError, match="is not valid"):
        requirements({"pyproject.toml": f"a = {'[' * 100_000}"}, "")
    with pytest.raises(ValueError, match="is not valid"):
        requirements({"pyproject.toml": f"{'a.' * 10_000}a = 1"}, "")


def test_the_files_nearest_to_the_project_count():
    texts = {"pyproject.toml": '[project]\nrequires-python = ">=3.14"', "a/uv.lock": 'requires-python = ">=3.12"'}
    assert [one["file"] for one in requirements(texts, "a/b")] == ["a/uv.lock"]
    assert [one["file"] for one in requirements(texts, "c")] == ["pyproject.toml"]
    names = [path for path in paths_of("a/b") if path.endswith("pyproject.toml")]
    assert names == ["a/b/pyproject.toml", "a/pyproject.toml", "pyproject.toml"]
    assert paths_of("") == paths_of("./")
    # Of other lists, only the project's own requirement counts.
    assert paths_of("a", "../uv.lock") == ["uv.lock", "a/pyproject.toml", "pyproject.toml"]
    assert paths_of("a", "prod.txt") == ["a/pyproject.toml", "pyproject.toml"]
    assert [one["specifier"] for one in requirements(texts, "a/b", "../uv.lock")] == [">=3.12", ">=3.14"]
    assert [one["specifier"] for one in requirements(texts, "a/b", "prod.txt")] == [">=3.14"]


def test_equal_requirements_are_one_and_their_number_is_limited():
    packages = [f'[[package]]\nname = "p{number}"\nrequires_python = ">=3.8"\n' for number in range(10)]
    assert found("pdm.lock", "".join(packages)) == [(">=3.8", "p0", "")]
    packages = [f'[[package]]\nname = "p"\nrequires_python = ">=3.{number}"\n' for number in range(1100)]
    assert len(found("pdm.lock", "".join(packages))) == MAX_REQUIREMENTS


@pytest.mark.parametrize(
    ("constraint", "specifier"),
    [
        ("^3.12", ">=3.12,<4"),
        ("^3.12.1", ">=3.12.1,<4"),
        ("~3.12", ">=3.12,<3.13"),
        ("~3.12.1", ">=3.12.1,<3.13"),
        ("~3", ">=3,<4"),
        (">=3.12,<4.0", ">=3.12,<4.0"),
        (">=3.12 <4.0", ">=3.12,<4.0"),
        ("~=3.12", "~=3.12"),
        ("3.12", "==3.12"),
        ("3.12.*", "3.12.*"),
        ("*", ""),
        ("^3.11 || ^3.13", ""),
        (None, ""),
        ("=" * 300, ""),
    ],
)
def test_constraints_of_poetry(constraint, specifier):
    assert of_poetry(constraint) == specifier
