"""Commands of a release run as the app's user, in its sandbox."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.app_user import AppUser, django_command, shown
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools


def test_a_command_has_the_sandbox_the_environment_and_the_programs_of_the_release():
    calls = []

    def run(argv, data=None, **_options):
        calls.append((argv, data))
        return 0, "", ""

    user = AppUser(Tools(run, {}), App("shop"), "abc-1", ["User=shop"])
    user.attempt(["echo", "${HOME} $$"], data="token")
    ((argv, data),) = calls
    release = "/srv/shop/releases/abc-1"
    assert data == "token"
    assert f"--property=EnvironmentFile={release}/env" in argv
    assert f"--property=ReadWritePaths={release}/static" in argv
    assert "--property=User=shop" in argv
    # systemd expands the first `$` only: the arguments are escaped.
    assert argv[-4:] == ["/usr/bin/env", f"PATH={release}/venv/bin:${{PATH}}", "echo", "$${HOME} $$$$"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["manage.py", "compress", "--force"], ["/python", "manage.py", "compress", "--force"]),
        (["npm", "run", "manage.py"], ["npm", "run", "manage.py"]),
        (["./manage.py", "x"], ["./manage.py", "x"]),
    ],
)
def test_manage_py_runs_with_the_python_of_the_virtual_environment(tmp_path, words, expected):
    (tmp_path / "manage.py").touch()
    assert django_command(words, str(tmp_path), "/python") == expected


def test_a_project_without_manage_py(tmp_path):
    assert django_command(["manage.py", "check"], str(tmp_path), "/python") == ["/python", "-m", "django", "check"]


def test_a_long_command_is_cut_in_a_message():
    assert shown(["sh", "-c", "x" * 200]) == f"sh -c {'x' * 94}..."
