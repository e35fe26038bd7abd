"""A project that is itself installed: its environment cannot be shared, but the next one begins as a copy of it."""

import shutil

import pytest
from helpers.hosts import release_of
from helpers.play import REPOSITORY

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "tiny"
version = "1"
dependencies = ["django==5.2.*"]
"""
OPTIONS = {"name": "own", "settings_module": "tiny.settings", "environment": {"ALLOWED_HOSTS": "own.example.test"}}


@pytest.fixture
def deploy_own(deploy, host, tmp_path):
    """deploy_own(line): how the deployment ended of the project with this line at the end of its settings."""
    project = tmp_path / "tiny"

    def deploy_own(line):
        shutil.copytree(REPOSITORY / "tests/projects/tiny", project, dirs_exist_ok=True)
        (project / "requirements.txt").unlink()
        (project / "pyproject.toml").write_text(PYPROJECT)
        with open(project / "tiny/settings.py", "a") as settings:
            settings.write(f"\n{line}\n")
        return deploy("fromdirectory", **OPTIONS, source={"directory": str(project)})

    yield deploy_own
    played = deploy("fromdirectory", **OPTIONS, state="absent")
    assert played.code == 0, played.output


def test_the_environment_of_a_failed_candidate_serves_the_next_try(host, deploy_own):
    failed = deploy_own("raise RuntimeError('broken')")
    assert "RuntimeError: broken" in failed.refusal
    host.check_output("touch $(echo /srv/own/failed/*/venv/lib/python3*/site-packages)/planted")
    played = deploy_own("# repaired")
    assert played.code == 0, played.output
    release = f"/srv/own/releases/{release_of(host, 'own')}"
    assert host.run(f"test -e {release}/venv/lib/python3*/site-packages/planted").rc == 0
    # It is this release's own: its scripts, the project that it imports, and who can read it.
    assert host.check_output(f"head -n 1 {release}/venv/bin/gunicorn") == f"#!{release}/venv/bin/python"
    imported = f"cd / && {release}/venv/bin/python -B -c 'import tiny; print(tiny.__file__)'"
    assert host.check_output(imported).startswith(f"{release}/src/")
    assert host.run(f"runuser -u nobody -- ls {release}/venv").rc != 0
    assert host.check_output(f"find {release}/venv ! -user root") == ""
