"""A project that excludes the host's Python is refused."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.requires_python import check_python


def project(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    return {"directory": str(tmp_path), "subdirectory": ""}


def test_a_python_that_the_project_excludes(tmp_path):
    source = project(tmp_path, '[project]\nname = "shop"\nrequires-python = ">=3.12"\n')
    check_python(source, "3.12.0")
    with pytest.raises(ValueError, match=r"needs Python >=3\.12 .* but the host has 3\.11\.2"):
        check_python(source, "3.11.2")


def test_a_project_that_says_nothing(tmp_path):
    """Smoke test: nothing is raised."""
    check_python({"git": "https://x/y.git"}, "3.11.2")
    check_python({"directory": str(tmp_path), "subdirectory": ""}, "3.11.2")
    check_python(project(tmp_path, "[tool.ruff]\n"), "3.11.2")


def test_a_project_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match="is not valid"):
        check_python(project(tmp_path, "not toml"), "3.11.2")
