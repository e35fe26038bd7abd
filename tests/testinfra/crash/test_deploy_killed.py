"""kill -9 at any moment of a deployment: the old release or the new one is served, and the next run succeeds."""

import random

import pytest
from helpers.deaths import VICTIMS, die, span
from helpers.hosts import eventually, release_of
from helpers.load import load, lost
from helpers.long import LONG
from helpers.steady import deploy, footprint, releases, site_of, variant_in

NAME = site_of("steady")
KILLS = 14 if LONG else 1


@pytest.fixture(scope="module")
def clean(host, tmp_path_factory):
    """What a deployment that nobody disturbed leaves on the host, and the seconds that it takes, by victim."""
    played, locked = span(host, variant_in(tmp_path_factory.mktemp("projects")))
    return settled(host), dict.fromkeys(VICTIMS, locked) | {"play": played}


@pytest.mark.parametrize("number", range(KILLS))
@pytest.mark.parametrize("victim", VICTIMS)
def test_killed(host, address, variant, clean, victim, number):
    before, seconds = clean
    # Each kill has its own share of the time, so that few of them are spread over all of it.
    moment = random.uniform(number, number + 1) * seconds[victim] / KILLS
    old, project = release_of(host, "steady"), variant()
    with load(address, NAME) as seen:
        killed = die(host, project, victim, moment)
        between = release_of(host, "steady")
        new = deploy(host, project)
    where = f"killed after {moment:.2f} s: {killed or 'nothing'}"
    print(where)
    assert seen.failures == [], where
    assert lost(address, NAME, seen.acknowledged) == [], where
    assert between in (old, new), where
    assert seen.releases == [old, new], where
    assert settled(host, before) == before, where
    assert len(releases(host)) <= 5, where


def settled(host, expected=None):
    """The app's footprint, once a release that was replaced has finished its last requests."""
    eventually(lambda: expected and footprint(host) == expected, 20 if expected else 4)
    return footprint(host)
