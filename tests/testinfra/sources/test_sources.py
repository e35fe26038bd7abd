"""The same project from each kind of source: each is a release of its own, under WSGI."""

import json

import pytest
from helpers.hosts import release_of

APPS = ["fromgit", "fromdirectory", "fromarchive", "frompypi"]


def ask(host, app, path):
    """What the app answers on the socket of the release that is live, where nginx would ask."""
    url = f"http://{app}.example.test{path}"
    return host.check_output("curl --silent --fail --unix-socket /srv/%s/current/web.sock %s", app, url)


@pytest.mark.parametrize("app", APPS)
def test_the_release_answers(host, app):
    who = json.loads(ask(host, app, "/whoami"))
    assert (who["release"], who["interface"]) == (release_of(host, app), "wsgi")


@pytest.mark.parametrize("app", APPS)
def test_its_database_and_static_files_are_there(host, app):
    assert ask(host, app, "/healthz").strip() == "ok"
    assert host.run("ls /srv/%s/current/static/staticfiles.json", app).rc == 0


def test_git_deployed_the_tag_and_kept_no_history(host):
    assert "not v1.0" not in host.check_output("cat /srv/fromgit/current/src/guestbook/settings.py")
    assert not host.file("/srv/fromgit/current/src/.git").exists


def test_the_archive_has_its_requirements_in_a_folder(host):
    """With the list that they include, and within the constraints of the project and of the inventory."""
    assert json.loads(host.file("/srv/fromarchive/current/release.json").content_string)["dependencies"] == (
        "requirements/production.txt"
    )
    versions = "import importlib.metadata as found; print(found.version('markdown'), found.version('whitenoise'))"
    assert host.check_output("/srv/fromarchive/current/venv/bin/python -c %s", versions) == "3.7 6.8.2"


def test_a_directory_brings_what_git_would_commit(host):
    """Its submodule is a part of it; ignored files, files of development and what `exclude` names are not."""
    found = set(host.check_output("cd /srv/fromdirectory/current/src && find . -type f").splitlines())
    assert {"./manage.py", "./keep.log", "./new.py", "./theme/theme.txt"} <= found
    assert (
        not {"./.env", "./node_modules/left-pad/index.js", "./docs/plan.md", "./media/upload.png", "./run.log"} & found
    )


def test_a_package_needs_no_source(host):
    assert host.check_output("ls -A /srv/frompypi/current/src") == ""
