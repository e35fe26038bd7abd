"""Deployments and a rollback of a fleet under visitors: no request fails, and no page lacks its files."""

import shutil
import uuid
from pathlib import Path

import pytest
from helpers.hosts import release_of
from helpers.play import REPOSITORY, Play
from plays import SITE, SOURCES, apps
from visits import STATIC, failed, get, visitors

pytestmark = pytest.mark.long
APP = "guestbook"
ROLLBACK = REPOSITORY / "playbooks/rollback.yml"
STYLES = "entries/static/entries/guestbook.css"
# A host that has such a file has a process that ends, directly after the switch.
NO_SWITCH = "/etc/lab-no-switch"
WATCH = [{"name": "watch", "command": f"sh -c 'test ! -e {NO_SWITCH} && exec sleep infinity'"}]


@pytest.fixture(scope="module")
def project(host, tmp_path_factory):
    """A copy of the project."""
    project = Path(tmp_path_factory.mktemp("load"), APP)
    shutil.copytree(SOURCES[APP], project)
    yield project
    assert Play(SITE, host, hosts=["all"], app=APP).finish().code == 0


def change(project):
    """Change a static file and the code, so that the file has another name."""
    for file, mark in ((STYLES, "/* {} */"), ("guestbook/settings.py", "# {}")):
        path = project / file
        path.write_text(f"{path.read_text()}\n{mark.format(uuid.uuid4().hex)}\n")


def deploy(host, project):
    entries = apps(**{APP: {"source": {"directory": str(project)}, "processes": WATCH}})
    return Play(SITE, host, hosts=["all"], app=APP, django_apps=entries)


def releases(web_hosts):
    return [release_of(one, APP) for one in web_hosts.values()]


def styles(address):
    """The name of the changed file in the page."""
    return next(file for file in STATIC.findall(get(address, "/").text) if ".css" in file)


def under_visitors(address, play):
    """How the play ended. No request failed, and each page's files were there, whichever host was asked for them."""
    with visitors(address) as answers:
        played = play.finish()
    assert failed(answers) == []
    asked = [path for _method, path, _status in answers]
    assert len(asked) > 100
    assert sum(path.startswith("/static/") for path in asked) > 20
    return played


def test_a_deployment(host, address, web_hosts, project):
    before, named = releases(web_hosts), styles(address)
    change(project)
    played = under_visitors(address, deploy(host, project))
    assert played.code == 0, played.output
    assert not set(releases(web_hosts)) & set(before)
    assert styles(address) != named
    # A page of the release before may still be open.
    assert get(address, named).status == 200


def test_a_deployment_that_fails_on_the_second_host(host, address, web_hosts, project):
    before, last = releases(web_hosts), list(web_hosts.values())[-1]
    change(project)
    last.check_output("touch %s", NO_SWITCH)
    try:
        played = under_visitors(address, deploy(host, project))
    finally:
        last.check_output("rm %s", NO_SWITCH)
    assert played.code != 0
    assert "could not be put into service on all of its hosts" in played.output, played.output
    assert releases(web_hosts) == before


def test_a_rollback(host, address, web_hosts, project):
    before = releases(web_hosts)
    change(project)
    played = deploy(host, project).finish()
    assert played.code == 0, played.output
    played = under_visitors(address, Play(ROLLBACK, host, hosts=["all"], app=APP))
    assert played.code == 0, played.output
    assert releases(web_hosts) == before
