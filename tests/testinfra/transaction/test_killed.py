"""kill -9 at any moment: what nginx reads is always one whole generation, and the next run brings the rest about.

A wish is brought about and taken back, over and over, and each of these runs is killed at another moment.
"""

import random
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import zip_longest

import pytest
from helpers.http import raw
from helpers.kills import changes, moments
from helpers.layouts import NGINX_ORG, NGINX_ORG_DEFAULT, debian
from helpers.long import LONG, host_of
from helpers.sites import SHOP
from helpers.sites import extra as site
from helpers.states import configuration

RANDOM_KILLS = 200 if LONG else 3
ABSENT = {"name": "extra", "state": "absent"}
OWNED, NOT_OWNED = ({"sites": [SHOP, site()], "nginx_conf": {"manage": manage}} for manage in ("always", "never"))
# A wish, and the one that takes it back.
WISHES = {
    "a site is published and removed": ({"sites": [site()]}, {"sites": [ABSENT]}),
    "a site is changed": ({"sites": [site("new")]}, {"sites": [site("old")]}),
    "nginx.conf is taken over and given back": (OWNED, NOT_OWNED),
    "nginx.conf of nginx.org's layout is taken over and given back": (OWNED, NOT_OWNED),
}


@dataclass
class Way:
    """From one wish to the other: what the run changes, and what is live and served when it is done."""

    wish: dict
    events: list[str]
    files: dict[str, str]
    word: str | None


class Killer:
    """Kills runs, and looks at the host after each."""

    def __init__(self, driver, address, wishes):
        self.driver, self.address = driver, address
        self.bring_about(wishes[1])
        self.ways = [self._way(wish) for wish in wishes]
        self.mounts = self._mounts()

    def _way(self, wish):
        events = changes(self.driver, *wish["sites"], **options(wish))
        assert events
        return Way(wish, events, self._live(), self._word())

    def kill(self, way, **moment):
        """Whether the run of this way was killed before it was done; what the host is like then, and after the next."""
        killed = self.driver.die(*way.wish["sites"], **options(way.wish), **moment)["killed"]
        where = f"killed at {moment}: {way.events[(moment.get('kill_at') or 0) - 1]}"
        self._look(where, self.ways)
        self.bring_about(way.wish)
        self._look(f"after the run that follows one {where}", [way])
        assert self.driver.ask("leftovers") == [], where
        assert self._mounts() == self.mounts, where
        return killed

    def bring_about(self, wish):
        done = self.driver.publish(*wish["sites"], **options(wish))
        assert not done["failed"], done["msg"]

    def _look(self, where, ways):
        assert self._live() in [way.files for way in ways], where
        read = self.driver.ask("configuration")
        assert read["valid"], f"{where}: {read['said']}"
        assert "conflicting" not in read["said"], where
        assert read["dump"].count("server_name shop.example.test;") == 1, where
        assert self._word() in [way.word for way in ways], where
        assert b"the upstream shop" in self._get("shop", "/"), where

    def _live(self):
        files = self.driver.ask("live_files")["files"]
        files.pop("state.json")
        return files

    def _word(self):
        return self._get("extra", "/word").rpartition(b"\r\n")[2]

    def _get(self, name, path):
        return raw(self.address, f"GET {path} HTTP/1.0\r\nHost: {name}.example.test\r\n\r\n".encode())

    def _mounts(self):
        return self.driver.shell("cut -d ' ' -f 3- /proc/self/mountinfo")


def options(wish):
    return {key: value for key, value in wish.items() if key != "sites"}


@pytest.fixture(params=WISHES)
def killer(request, driver, address):
    theirs = nullcontext()
    if "nginx.org" in request.param:
        theirs = configuration(driver, NGINX_ORG, default=NGINX_ORG_DEFAULT)
    elif "nginx.conf" in request.param:
        theirs = configuration(driver, debian(driver))
    with theirs:
        yield Killer(driver, address, WISHES[request.param])


def test_killed_right_before_each_change(killer, request):
    hosts = request.config.option.hosts.split(",")
    # Every fourth moment of the host's share: the others come in other runs, and all in the long form.
    share = hosts.index(host_of(request.node)) + random.randrange(4) * len(hosts)
    numbers = [moments(way.events, share, 4 * len(hosts)) for way in killer.ways]
    killed = [
        killer.kill(way, kill_at=number)
        for each in zip_longest(*numbers)
        for way, number in zip(killer.ways, each, strict=True)
    ]
    # The last moments are not reached by a run that has fewer old files to remove than the one that was counted.
    assert killed.count(True) > 0.7 * sum(map(len, numbers))


def test_killed_at_random_moments(driver, address):
    killer = Killer(driver, address, WISHES["a site is published and removed"])
    seconds = driver.publish(site())["seconds"]
    driver.publish(ABSENT)
    kills = 0
    # A run that is faster than the one that was measured is over before its moment.
    for number in range(30 * RANDOM_KILLS):
        kills += killer.kill(killer.ways[number % 2], kill_after=random.uniform(0, seconds))
        if kills == RANDOM_KILLS:
            break
    assert kills == RANDOM_KILLS
