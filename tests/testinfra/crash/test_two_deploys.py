"""Two runs deploy one app at the same time: the second waits for the lock."""

import time

import pytest
from helpers.hosts import eventually
from helpers.http import Visitor
from helpers.load import load
from helpers.steady import deploy, site_of, start_deploy

NAME = site_of("steady")
LOCK = "/run/gatehouse/locks/app-steady"
RUNNING = "systemctl list-units --plain --no-legend 'steady-web@*.service'"
LOCKED = f"test -e {LOCK} && ! flock --nonblock {LOCK} true"


@pytest.fixture
def lock_held(host):
    """Holds the app's lock with a command of one's own; the id of the process that does."""

    def hold(seconds):
        host.check_output("mkdir -p -m 700 /run/gatehouse/locks")  # after a reboot there is none
        command = f"flock {LOCK} sleep {seconds}"
        host.check_output(f"systemd-run --quiet --collect -p UMask=0077 --unit=lock-holder {command}")
        eventually(lambda: host.run(LOCKED).rc == 0)
        return host.check_output("systemctl show -P MainPID lock-holder")

    yield hold
    host.run("systemctl stop lock-holder")


def test_the_second_one_waits_for_the_first(host, address, variant):
    with load(address, NAME) as seen:
        first = start_deploy(host, variant())
        eventually(lambda: host.run(LOCKED).rc == 0, 300)
        # The second one waits for a minute: the first has the candidate by then.
        eventually(lambda: len(host.check_output(RUNNING).splitlines()) > 1, 600)
        second = start_deploy(host, variant())
        ended = [first.finish(), second.finish()]
    assert [played.code for played in ended] == [0, 0], ended[-1].refusal
    assert seen.failures == []
    # The old one and both new ones were served, in turn.
    assert len(seen.releases) == 3
    assert Visitor(address, NAME).get("/").json()["release"] == seen.releases[-1]


def test_a_deployment_waits_for_any_holder_of_the_lock(host, variant, lock_held):
    project = variant()
    lock_held(8)
    start = time.monotonic()
    deploy(host, project)
    assert time.monotonic() - start > 8


# It takes the minute that the second one waits.
@pytest.mark.long
def test_the_timeout_names_the_holder_of_the_lock(host, variant, lock_held):
    pid = lock_held(600)
    played = start_deploy(host, variant()).finish()
    assert played.code != 0
    for word in (f"held by process {pid} (/usr/bin/flock {LOCK} sleep 600)", f"waiting for the lock on {LOCK}"):
        assert word in played.refusal
