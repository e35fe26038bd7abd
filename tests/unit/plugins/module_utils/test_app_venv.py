"""Which dependencies a project has, and how they are installed."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils import _app_venv as venv
from ansible_collections.gatehouse.django.plugins.module_utils._app_run import ReleaseError, Tools


@pytest.fixture
def project(tmp_path):
    path = tmp_path / "release" / "src"
    path.mkdir(parents=True)
    return path


class Recorder:
    """Stands for the host: remembers what was run, and answers."""

    def __init__(self, failing=()):
        self.calls, self.failing = [], failing

    def __call__(self, argv, cwd=None, environ_update=None, handle_exceptions=True):
        self.calls.append((argv, cwd, environ_update))
        return (1 if any(word in argv for word in self.failing) else 0), "", "no"

    def installs(self):
        return [argv[argv.index("--quiet") + 1 :] for argv, _cwd, _env in self.calls if "--quiet" in argv]


def make(project, recorder, requirements=()):
    release = project.parent
    venv.make_venv(Tools(recorder, {}), "/uv", "/python3", str(release), str(project), requirements, "gunicorn==27.0.1")
    return recorder.installs()


def test_the_lock_comes_first(project):
    for name in ("uv.lock", "requirements.txt", "pyproject.toml"):
        (project / name).write_text("")
    recorder = Recorder()
    assert make(project, recorder, ["psycopg"])[1:] == [["--frozen", "--no-dev"], ["psycopg"], ["gunicorn==27.0.1"]]
    environment = recorder.calls[1][2]
    assert environment["UV_PROJECT_ENVIRONMENT"] == str(project.parent / "venv")
    assert environment["UV_PYTHON_DOWNLOADS"] == "never"


def test_requirements_are_resolved_together_with_those_of_the_inventory(project):
    (project / "requirements.txt").write_text("Django")
    expected = ["--requirements", str(project / "requirements.txt"), "psycopg"]
    assert make(project, Recorder(), ["psycopg"])[1] == expected


def test_a_project_without_a_build_system_is_no_package(project):
    (project / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    assert make(project, Recorder())[1] == ["--requirements", str(project / "pyproject.toml")]


def test_a_package_is_installed_where_it_is(project):
    (project / "pyproject.toml").write_text('[project]\nname = "shop"\n[build-system]\nrequires = ["hatchling"]\n')
    assert make(project, Recorder())[1] == ["--editable", str(project)]


def test_dependencies_are_looked_for_upwards_and_not_beyond_the_source(project):
    inner = project / "backend" / "site"
    inner.mkdir(parents=True)
    (project / "requirements.txt").write_text("")
    (project.parent / "uv.lock").write_text("")
    assert venv.find_dependencies(str(inner), str(project)) == ("requirements.txt", str(project))


def test_a_server_of_the_project_stays(project):
    (project.parent / "venv" / "bin").mkdir(parents=True)
    (project.parent / "venv" / "bin" / "gunicorn").write_text("")
    assert ["gunicorn==27.0.1"] not in make(project, Recorder())


def test_no_django_says_where_it_was_looked_for(project):
    with pytest.raises(ReleaseError, match=r"do not bring Django: .*'src'.*django_app_requirements"):
        make(project, Recorder(failing=["import django"]))


def test_uv_is_installed_once(tmp_path):
    recorder = Recorder()
    path = venv.install_uv(Tools(recorder, {}), "/python3", str(tmp_path), "1.2")
    assert path == str(tmp_path / "uv-1.2" / "bin" / "uv")
    assert recorder.calls[1][0][-1] == "uv==1.2"
    (tmp_path / "uv-1.2" / "bin").mkdir(parents=True)
    (tmp_path / "uv-1.2" / "bin" / "uv").write_text("")
    again = Recorder()
    venv.install_uv(Tools(again, {}), "/python3", str(tmp_path), "1.2")
    assert [argv for argv, _cwd, _env in again.calls] == [[path, "--version"]]


def test_half_an_uv_is_installed_again(tmp_path):
    (tmp_path / "uv-1.2" / "bin").mkdir(parents=True)
    (tmp_path / "uv-1.2" / "bin" / "uv").write_text("")
    recorder = Recorder(failing=["--version"])
    venv.install_uv(Tools(recorder, {}), "/python3", str(tmp_path), "1.2")
    assert recorder.calls[1][0][:4] == ["/python3", "-m", "venv", "--clear"]
