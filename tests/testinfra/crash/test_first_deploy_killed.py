"""An app's first deployment is killed: the next run finishes it, and a removal leaves nothing of it."""

import pytest
from helpers.deaths import on_host
from helpers.hosts import release_of
from helpers.steady import main_pid, start_deploy

APP = "newcomer"
LEFT = f"ls -d /srv/{APP} /etc/systemd/system/{APP}* 2>/dev/null; getent passwd {APP}; systemctl is-active '{APP}-*'"


@pytest.fixture
def newcomer(host, variant):
    """Deploys an app that the host has never seen."""
    project = variant()
    yield lambda **changes: start_deploy(host, project, name=APP, **changes)
    removed = start_deploy(host, project, confirm=APP, name=APP, state="absent", remove_data=True).finish()
    assert removed.code == 0, removed.output
    assert host.run(LEFT).stdout.strip() == ""


def test_a_killed_first_deployment_is_finished_by_the_next_run(host, newcomer):
    killer = on_host(host, "module", 1.0, APP)
    played = newcomer().finish()
    assert played.code != 0
    assert "The module was killed on the host before it could answer (SIGKILL" in played.refusal
    assert killer.communicate()[0]
    assert not host.file(f"/srv/{APP}/current").exists
    played = newcomer().finish()
    assert played.code == 0, played.output
    assert host.run("ls /srv/%s/releases", APP).stdout.split() == [release_of(host, APP)]


@pytest.mark.long
def test_a_killed_first_deployment_stays_served_after_the_switch(host, newcomer):
    killer = on_host(host, "module", "served", APP)
    assert newcomer().finish().code != 0
    assert killer.communicate()[0]
    served = main_pid(host, APP)
    assert served != "0"
    played = newcomer().finish()
    assert played.code == 0, played.output
    assert main_pid(host, APP) == served
