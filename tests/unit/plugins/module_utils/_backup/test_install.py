"""The program of the backups works on a host without Ansible."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import install
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import Place
from ansible_collections.gatehouse.django.plugins.module_utils._core import installed_program

UTILS = f"{installed_program.PACKAGE}."
OPTIONS = {
    **{"to": "", "password": "a-long-password", "ssh_key": "", "known_hosts": "", "environment": {}},
    **{"keep": {"daily": 7}, "time": "02:30", "on_failure": "", "drill": "weekly"},
}


def imports(module):
    """The modules of the collection that *module* imports."""
    directory = Path(install.__file__).parents[1]
    for node in ast.walk(ast.parse(directory.joinpath(*module.split(".")).with_suffix(".py").read_text())):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(UTILS):
            package = f"{node.module}.".removeprefix(UTILS)
            for alias in node.names:
                inside = f"{package}{alias.name}"
                is_module = directory.joinpath(*inside.split(".")).with_suffix(".py").is_file()
                yield inside if is_module else package.rstrip(".")


def test_the_list_of_modules_is_what_the_program_imports():
    found, ahead = set(), ["_backup.program"]
    while ahead:
        module = ahead.pop()
        if module not in found:
            found.add(module)
            ahead += imports(module)
    assert sorted(found) == list(install.MODULES)


def test_the_program_needs_nothing_but_what_is_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(install, "PROGRAM", tmp_path / "gatehouse-backup")
    files = install.program_files()
    installed_program.write(files, installed_program.outdated(files), {})
    assert installed_program.outdated(files) == []
    # -I: neither this test's paths nor any package of its environment's.
    command = [sys.executable, "-I", "-S", str(tmp_path / "gatehouse-backup"), "run", "--help"]
    done = subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    usage = "usage: gatehouse-backup run|failed|tidy|drill|drill-failed|drill-tidy APP\n"
    assert (done.returncode, done.stderr) == (1, usage)


def test_no_secret_is_in_a_file_that_others_can_read():
    place, options = Place(App("shop")), OPTIONS | {"environment": {"AWS_SECRET_ACCESS_KEY": "a-secret-key"}}
    public = {**install.program_files(), **install.unit_files(place, options)}
    assert [path for path, text in public.items() if "a-secret-key" in (text or "") or "a-long-password" in text] == []
    private = install.option_files(place, options)
    assert all(path.parent == place.home for path in private)
    assert "a-secret-key" in private[place.environment]
    assert not any("a-long-password" in (text or "") for text in private.values())


def test_another_password_is_tried_again():
    place = Place(App("shop"))
    digests = {install.digest(place, OPTIONS | change) for change in ({}, {"password": "b" * 9}, {"to": "/mnt"})}
    assert len(digests) == 3
    assert install.digest(place, OPTIONS | {"time": "03:00"}) in digests


@pytest.mark.parametrize(
    ("drill", "time", "calendar"),
    [
        ("daily", "02:30", "*-*-* 05:30:00"),
        ("weekly", "22:05", "Sun *-*-* 01:05:00"),
        ("monthly", "00:00", "Sun *-*-01..07 03:00:00"),
    ],
)
def test_the_nights_of_the_drills(drill, time, calendar):
    place = Place(App("shop"))
    text = install.unit_files(place, OPTIONS | {"drill": drill, "time": time})[place.drill_timer]
    assert f"OnCalendar={calendar}\n" in text
    assert f"# drill: {drill}\n" in text


def test_no_drills():
    place = Place(App("shop"))
    assert install.unit_files(place, OPTIONS | {"drill": "never"})[place.drill_timer] is None
