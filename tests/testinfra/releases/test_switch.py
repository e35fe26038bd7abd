"""Releases come and go, and no visitor notices."""

import time

import pytest
from helpers.hosts import eventually, release_of
from helpers.load import load, lost
from helpers.long import LONG
from helpers.steady import deploy, rollback, site_of

# Seconds in which the load shows what it is like without any deployment.
CALM = 6


@pytest.mark.parametrize(("app", "other"), [("steady", "live"), ("live", "steady")])
def test_no_request_fails_and_none_waits(host, address, variant, app, other):
    name = site_of(app)
    with load(address, name) as calm:
        time.sleep(CALM)
        eventually(calm.is_load, 60)
    with load(address, name) as seen, load(address, site_of(other), ["get"]) as elsewhere:
        first = release_of(host, app)
        second = deploy(host, variant(), app)
        third = deploy(host, variant(), app)
        deployed = time.monotonic()
        back = rollback(host, app)
        rolled_back = time.monotonic()
        time.sleep(2)
    assert seen.is_load(), seen.counts
    assert seen.failures == []
    assert lost(address, name, seen.acknowledged) == []
    assert len({first, second, third}) == 3
    assert seen.releases == [first, second, third]
    assert back == second
    # Nothing of a release that was replaced still answers when the play is over.
    assert seen.releases_since(rolled_back) == {second}
    assert first not in seen.releases_since(deployed)
    # Beside the gate's other scenarios a disk is busy enough to delay a write for longer.
    assert not LONG or seen.held_up(calm, elsewhere) == []


def test_the_load_sees_the_failures_of_a_plain_restart(host, address):
    """The control: what is shown by the load, and what the test above would therefore have seen."""
    name, unit = site_of("steady"), f"steady-web@{release_of(host, 'steady')}"
    with load(address, name) as seen:
        time.sleep(2)
        host.check_output("systemctl stop %s.socket", unit)
        host.check_output("systemctl start %s.socket %s.service", unit, unit)
        time.sleep(3)
    assert any("502" in failure for failure in seen.failures)
    assert lost(address, name, ["never written"]) == ["never written"]


# Where the machine is busy, visitors of any app wait as long: the test above makes no such claim there.
@pytest.mark.long
def test_the_load_sees_that_a_restart_below_the_socket_makes_visitors_wait(host, address):
    name, unit = site_of("steady"), f"steady-web@{release_of(host, 'steady')}"
    with load(address, name) as calm:
        time.sleep(CALM)
    with load(address, name) as seen, load(address, site_of("live"), ["get"]) as elsewhere:
        time.sleep(2)
        host.check_output("systemctl restart %s.service", unit)
        time.sleep(3)
    assert len(seen.held_up(calm, elsewhere)) > 2
