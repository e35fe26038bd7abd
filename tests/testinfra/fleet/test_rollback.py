"""A rollback of several hosts: all of them return to the same release, or none does."""

import pytest
from helpers.play import REPOSITORY, Play
from members import APP, NO_SWITCH, Project, beats, deployed, served

pytestmark = pytest.mark.long
ROLLBACK = REPOSITORY / "playbooks/rollback.yml"


def roll_back(host, hosts, **variables):
    return Play(ROLLBACK, host, hosts=hosts, app=APP, **variables).finish()


@pytest.fixture(scope="module")
def releases(host, web_hosts, tmp_path_factory):
    """Two releases, of which the second one is served: those of each host."""
    project = Project(tmp_path_factory.mktemp("rollback"))
    project.change()
    deployed(host, project, web_hosts)
    first = served(web_hosts)
    project.change()
    deployed(host, project, web_hosts)
    return first, served(web_hosts)


def test_a_host_that_cannot_switch_keeps_all_hosts_where_they_are(host, web_hosts, releases):
    _before, now = releases
    last = list(web_hosts)[-1]
    web_hosts[last].check_output("touch %s", NO_SWITCH)
    try:
        played = roll_back(host, list(web_hosts))
    finally:
        web_hosts[last].check_output("rm %s", NO_SWITCH)
    assert played.code != 0
    assert "The release could not be put into service on all of its hosts." in played.output, played.output
    assert served(web_hosts) == now
    assert beats(web_hosts).count(True) == 1


def test_hosts_that_would_return_to_different_releases_are_named(host, web_hosts, releases):
    (before, of_last), now = releases
    first, last = web_hosts
    # It returns to the one before.
    path = f"/srv/{APP}/releases/{of_last}/.activated"
    web_hosts[last].check_output("mv %s /run/lab-activated", path)
    try:
        played = roll_back(host, list(web_hosts))
    finally:
        web_hosts[last].check_output("mv /run/lab-activated %s", path)
    assert played.code != 0
    assert f"different releases: {first} to {before}, {last} to " in played.refusal, played.output
    assert served(web_hosts) == now


def test_all_hosts_return(host, web_hosts, releases):
    before, now = releases
    played = roll_back(host, list(web_hosts))
    assert played.code == 0, played.output
    assert served(web_hosts) == before
    # The part of a release's name that all hosts have in common.
    played = roll_back(host, list(web_hosts), release=now[0].partition("-")[0])
    assert played.code == 0, played.output
    assert served(web_hosts) == now


def test_a_part_of_the_hosts_does_not_return_alone(host, web_hosts, releases):
    _before, now = releases
    first, last = web_hosts
    played = roll_back(host, [first])
    assert played.code != 0
    assert f"{last} (" in played.refusal, played.output
    assert served(web_hosts) == now
