"""The options that choose an app's interpreter."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.python_options import (
    VERSIONS,
    downloads,
    of_python,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.render import program

UV = "uv==0.13.9 \\\n    --hash=sha256:aa\n"
ROOT = Path(__file__).parents[5]


def found(directory=".", entry=None, **options):
    return "\n".join(of_python({"python": "python3", **options}, entry or {}, str(directory)))


@pytest.mark.parametrize("python", ["python3", "3.12", "3.12.4", "/opt/python/bin/python3.14", "pypy3"])
def test_versions_names_and_paths(python):
    assert found(python=python) == ""


@pytest.mark.parametrize(
    ("value", "written"), [(3.12, "3.12"), (3.1, "3.10"), (3.2, "3.20"), ("3.1", "3.10"), (3, "3.12")]
)
def test_a_number_is_refused_with_the_quoted_form(value, written):
    assert f'Write it in quotes: python: "{written}"' in found(python=value)
    # Before ansible-core 2.19, a template turns the number of the entry into a string.
    assert f'Write it in quotes: python: "{written}"' in found(entry={"python": value}, python=str(value))


@pytest.mark.parametrize("python", ["3", "2.7", "3.12.4.5", "312", ".."])
def test_what_is_not_a_version(python):
    assert f"python: '{python}' is not a version like" in found(python=python)


@pytest.mark.parametrize("python", ["", " ", "-c"])
def test_what_is_not_a_name(python):
    assert "or the name or path of an interpreter" in found(python=python)


def test_variables_of_uv_that_the_option_replaces():
    said = found(build_environment={"UV_PYTHON_INSTALL_MIRROR": "x", "UV_DEFAULT_INDEX": "y"})
    assert said.startswith("build_environment: UV_PYTHON_INSTALL_MIRROR has no effect here.")
    assert len(said.splitlines()) == 1


def test_a_list_on_the_controller(tmp_path):
    (tmp_path / "pythons.json").write_text("{}")
    assert found(tmp_path, python_downloads="pythons.json") == ""
    assert found(tmp_path, python_downloads="https://example.com/nothing") == ""
    (tmp_path / "pythons.json").write_text("[]")
    assert "is not a list of Python downloads" in found(tmp_path, python_downloads="pythons.json")
    said = found(tmp_path, python_downloads="missing.json")
    assert "python_downloads: 'missing.json' is neither a URL nor a file on the controller (No such file" in said


def test_what_the_host_gets(tmp_path):
    entry = {"name": "cpython", "arch": {"family": "x86_64"}, "os": "linux", "libc": "gnu", "url": "u", "major": 3}
    entries = {"a": {**entry, "minor": 12, "patch": 1}, "b": {**entry, "minor": 13, "patch": 1}}
    (tmp_path / "pythons.json").write_text(json.dumps(entries))
    told = downloads("3.12", str(tmp_path / "pythons.json"), UV)
    assert list(json.loads(told["list"])) == ["a"]
    told = downloads("3.12", "https://u:p%40w@example.com/p.json?a=1", UV)
    assert (told["list_url"], told["authorization"]) == ("https://example.com/p.json?a=1", "u:p@w")
    assert told["shown"] == "https://example.com/p.json?a=1"
    told = downloads("3.12", "https://u:p@example.com/mirror", UV)
    assert (told["mirror"], told["list_url"], told["list"]) == ("https://u:p@example.com/mirror", "", "")
    told = downloads("3.12", "", UV)
    assert (told["mirror"], told["list"], told["uv"]) == ("", "", "0.13.9")
    assert re.fullmatch(r"3\.12\.\d+", told["version"])
    # An interpreter of the host needs none of it.
    assert downloads("python3", "/nowhere/p.json", UV)["list"] == ""


def test_the_versions_are_those_of_the_pinned_uv():
    pinned = re.match(r"uv==(\S+)", program("uv.txt"))[1]
    uv = ROOT / "tools/uv"
    assert subprocess.run([uv, "--version"], capture_output=True, text=True, check=True).stdout.split()[1] == pinned
    listed = subprocess.run([ROOT / "tools/uv_pythons"], capture_output=True, text=True, check=True).stdout
    assert listed.split() == list(VERSIONS)
