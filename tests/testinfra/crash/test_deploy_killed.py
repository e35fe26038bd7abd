"""A deployment is killed at any moment: the old or the new release is served, and the next run succeeds."""

import random

import pytest
from helpers.deaths import VICTIMS, die, span
from helpers.hosts import eventually, release_of
from helpers.load import RELEASE, load, lost
from helpers.long import LONG
from helpers.steady import deploy, footprint, releases, site_of, variant_in

NAME = site_of("steady")
KILLS = 14 if LONG else 1
# More attempts make up for kills that came after the deployment was over.
ATTEMPTS = 2 * KILLS + 2


@pytest.fixture(scope="module")
def clean(host, tmp_path_factory):
    """What an undisturbed deployment leaves on the host, and the seconds that it takes, by victim."""
    played, locked = span(host, variant_in(tmp_path_factory.mktemp("projects")))
    # A release that was replaced finishes its last requests.
    left = eventually(lambda: footprint(host), until=lambda found: not RELEASE.search(str(found)))
    return left, dict.fromkeys(VICTIMS, locked) | {"play": played}


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_killed_deployment_leaves_one_whole_release(host, address, variant, clean, victim):
    left, seconds = clean
    moments = (moment * seconds[victim] for moment in spread(KILLS))
    hits = 0
    for moment in moments:
        hits += killed(host, address, variant(), left, victim, moment)
        if hits == KILLS:
            break
    assert hits == KILLS, f"only {hits} kills hit a deployment"


def spread(kills):
    """Moments between 0 and 1: each of the first ones has its own share; the ones that make up for misses are early."""
    yield from (random.uniform(number, number + 1) / kills for number in range(kills))
    for _number in range(kills, ATTEMPTS):
        yield random.uniform(0, 0.5)


def killed(host, address, project, left, victim, moment):
    """Whether something was killed *moment* seconds after the start; what is served is right either way."""
    old = release_of(host, "steady")
    with load(address, NAME) as seen:
        hit = die(host, project, victim, moment)
        between = release_of(host, "steady")
        new = deploy(host, project)
    where = f"killed after {moment:.2f} s: {hit or 'nothing'}"
    print(where)
    assert seen.failures == [], where
    assert lost(address, NAME, seen.acknowledged) == [], where
    assert between in (old, new), where
    assert seen.releases == [old, new], where
    assert len(releases(host)) <= 5, where
    eventually(lambda: footprint(host), until=lambda found: found == left)
    return bool(hit)
