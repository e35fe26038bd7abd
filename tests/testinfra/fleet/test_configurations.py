"""Releases of one source with different configurations are different releases, those for another Python are not."""

import uuid

import pytest
from helpers.play import REPOSITORY, Play, run_play
from members import APP, Project, deploy, deployed, served

pytestmark = pytest.mark.long
EXPECTED = "/var/lib/gatehouse/expected/guestbook"
ROLLBACK, SITE = REPOSITORY / "playbooks/rollback.yml", REPOSITORY / "playbooks/site.yml"


@pytest.fixture(scope="module")
def project(host, web_hosts, tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("configurations"))
    project.change()
    deployed(host, project, web_hosts)
    return project


def environment():
    """Another configuration than that of any release."""
    return {"ALLOWED_HOSTS": "shop.example.test", "CONN_MAX_AGE": "0", "LAB": uuid.uuid4().hex}


def test_a_part_of_the_hosts_gets_no_configuration_that_the_others_lack(host, project, web_hosts):
    before, (first, last) = served(web_hosts), list(web_hosts)
    played = deploy(host, project, [first], environment=environment()).finish()
    assert played.code != 0
    assert f"{last} ({before[1]}) would go on with another release" in played.refusal
    assert served(web_hosts) == before
    # The hosts have different versions of Python, and the same configuration.
    assert before[0] != before[1]
    assert deploy(host, project, [first]).finish().code == 0


def test_balancers_keep_a_host_outside_of_the_run_that_has_another_python(host, web_hosts):
    expected = host.check_output("readlink %s", EXPECTED)
    first, _last = web_hosts
    run_play(SITE, host, hosts=[host.backend.name, first], tags=["sites"])
    assert host.check_output("readlink %s", EXPECTED) == expected
    # They do so too if they do not know it from before.
    host.check_output("ln -sfn guestbook.d/any %s", EXPECTED)
    run_play(SITE, host, hosts=[host.backend.name, first], tags=["sites"])
    assert host.check_output("readlink %s", EXPECTED) == expected


def test_a_rollback_names_the_configurations_of_a_source(host, project, web_hosts):
    before = served(web_hosts)
    deployed(host, project, web_hosts, environment=environment())
    now = served(web_hosts)
    assert [one.partition("-")[0] for one in before] == [one.partition("-")[0] for one in now]
    source = now[0].partition("-")[0]
    played = Play(ROLLBACK, host, hosts=list(web_hosts), app=APP, release=source).finish()
    assert played.code != 0
    assert f"{now[0]} (served), {before[0]}" in played.output, played.output
    assert served(web_hosts) == now
    run_play(ROLLBACK, host, hosts=list(web_hosts), app=APP)
    assert served(web_hosts) == before
