"""The same project from git, from an archive and from a package index: each is a release of its own, under WSGI."""

import json

import pytest
from helpers.hosts import release_of

APPS = ["fromgit", "fromarchive", "frompypi"]


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


def test_a_package_needs_no_source(host):
    assert host.check_output("ls -A /srv/frompypi/current/src") == ""
