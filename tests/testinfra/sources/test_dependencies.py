"""What a lock names is installed exactly, whichever tool made it; a lock that does not match its project is refused."""

import json
import shutil
import uuid
from pathlib import Path

import pytest
from helpers.hosts import release_of
from helpers.long import LONG
from helpers.play import REPOSITORY
from helpers.steady import start_deploy

HERE = Path(__file__).parent
PASSWORD = "the-password-of-a-package-index"
CREDENTIALS = {"UV_INDEX_PRIVATE_USERNAME": "reader", "UV_INDEX_PRIVATE_PASSWORD": PASSWORD}
APP = {
    "name": "locked",
    "settings_module": "tiny.settings",
    "environment": {"ALLOWED_HOSTS": "locked.example.test"},
    "secrets": {"DJANGO_SECRET_KEY": "a-key-for-throwaway-hosts-that-is-long-enough-for-the-deployment-check"},
}
LOCKED = {"asgiref": "3.13.0", "Django": "5.2.3", "sqlparse": "0.5.1", "gunicorn": "27.0.1"}
GROUP, EXTRA = {"whitenoise": "6.8.2"}, {"Markdown": "3.7"}
# Packages in directories of the project, one of them editable.
PATHS = {"lab-near": "1.0", "lab-far": "1.0"}
BOTH = {"groups": ["production"], "extras": ["text"]}
# The options of each kind, what is installed besides LOCKED, and what the play says of it.
KINDS = {
    "poetry": (BOTH, GROUP | EXTRA, "poetry.lock (groups: production; extras: text)"),
    "pdm": (BOTH, GROUP | EXTRA, "pdm.lock (groups: production; extras: text)"),
    "pipenv": ({"groups": ["production"]}, GROUP, "Pipfile.lock (groups: production)"),
    "pdm-paths": ({"groups": ["local"]}, PATHS, "pdm.lock (groups: local)"),
    "pipenv-paths": ({}, PATHS, "Pipfile.lock"),
    "pylock": ({}, GROUP, "pylock.production.toml"),
    "hashed": ({"requirements": ["whitenoise==6.8.2"]}, GROUP, "requirements.txt"),
}
# What each tool says of a lock that does not match its project.
STALE = {
    "uv": "The lockfile at `uv.lock` needs to be updated",
    "poetry": "pyproject.toml changed significantly since poetry.lock was last generated",
    "pdm": "Lockfile doesn't satisfy the project requirements",
    "pipenv": "Pipfile.lock is out-of-date",
}
PRINT_VERSIONS = (
    "import importlib.metadata, json; "
    "print(json.dumps({one.name: one.version for one in importlib.metadata.distributions()}))"
)


@pytest.fixture
def project(tmp_path):
    """Makes copies of the project `tiny` with the list of dependencies in a directory of `locked`."""

    def make(lock):
        copy = tmp_path / "project"
        shutil.copytree(REPOSITORY / "tests/projects/tiny", copy)
        (copy / "requirements.txt").unlink()
        # Each one is a release of its own, so that the play always says what it installed.
        (copy / "copy.txt").write_text(uuid.uuid4().hex)
        return shutil.copytree(HERE / "locked" / lock, copy, dirs_exist_ok=True)

    return make


@pytest.fixture
def index(host, undo):
    """A package index with a password on the host."""
    undo("systemctl stop lab-index; rm -f /run/lab-index /run/lab-index.py")
    script = (HERE / "on_host/index.py").read_text()
    for path, text in (("/run/lab-index", f"reader:{PASSWORD}"), ("/run/lab-index.py", script)):
        host.check_output("(umask 077; printf %%s %s > %s)", text, path)
    host.check_output("systemd-run --quiet --collect --unit=lab-index python3 /run/lab-index.py 8099 /run/lab-index")
    host.check_output("curl --silent --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:8099/")


def deploy(host, project, **options):
    return start_deploy(host, project, "fromdirectory", **APP, **options).finish()


def installed(host):
    return json.loads(host.check_output("/srv/locked/current/venv/bin/python -c %s", PRINT_VERSIONS))


def test_a_lock_of_uv_with_a_private_index(host, project, index):
    """With groups, extras, and a requirement of the inventory that may not change what is locked."""
    options = {"requirements": ["djangorestframework<3.17"], "build_environment": CREDENTIALS}
    played = deploy(host, project("uv"), **BOTH, **options)
    assert played.code == 0, played.output
    assert "Dependencies: uv.lock (groups: production; extras: text)" in " ".join(played.output.split())
    versions = installed(host)
    assert versions.pop("djangorestframework").startswith("3.16.")
    assert versions == LOCKED | GROUP | EXTRA | {"gatehouse-private": "1.0"}
    assert PASSWORD not in played.output
    assert host.run("grep -rlF -e %s /srv /etc /opt /root /tmp /var /run/systemd", PASSWORD).stdout == ""
    assert host.run("journalctl --quiet --grep %s", PASSWORD).stdout == ""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if LONG or kind == "poetry"])
def test_a_lock_of_another_tool(host, project, kind):
    options, more, said = KINDS[kind]
    played = deploy(host, project(kind), **options)
    assert played.code == 0, played.output
    assert f"Dependencies: {said}." in " ".join(played.output.split())
    assert installed(host) == LOCKED | more
    assert host.check_output("ls -A /srv/locked/cache | grep -v '^[.]local$'") == "uv"


@pytest.mark.parametrize("kind", [kind for kind in STALE if LONG or kind == "uv"])
def test_a_lock_that_does_not_match_its_project(host, project, index, kind):
    stale = project(kind)
    path = stale / ("Pipfile" if kind == "pipenv" else "pyproject.toml")
    text = path.read_text().replace('"sqlparse"', '"sqlparse>=0.5.2"')
    path.write_text(text.replace('sqlparse = "*"', 'sqlparse = ">=0.5.2"'))
    before = release_of(host, "locked")
    played = deploy(host, stale, build_environment=CREDENTIALS)
    assert played.code != 0
    assert STALE[kind] in played.refusal
    assert release_of(host, "locked") == before
