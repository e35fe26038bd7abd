"""Many writers at once: one after the other, and nobody's change is lost."""

import re
import time

import pytest
from helpers.http import Visitor
from helpers.sites import extra as site
from helpers.sites import numbered
from helpers.states import lock_held

pytestmark = pytest.mark.one_host

WRITERS = 16


def test_sixteen_writers_each_with_a_site_of_its_own(driver, address):
    before = driver.info()["generation"]
    sites = [numbered(number) for number in range(WRITERS)]
    published = driver.publish_all([driver.prepare(each) for each in sites])
    assert [answer["msg"] for answer in published if answer["failed"]] == []
    assert sorted(answer["generation"] for answer in published) == list(range(before + 1, before + 1 + WRITERS))
    assert driver.info()["generation"] == before + WRITERS
    for each in sites:
        assert Visitor(address, each["server_name"][0]).get("/word").text == each["name"]


def test_a_writer_among_readers(driver, address):
    """Check mode and nginx_info never see half of a change."""
    sites = [numbered(number) for number in range(4)]
    runs = [driver.prepare(each) for each in sites]
    runs[1:1] = [driver.prepare(site(), check=True) for _reader in range(4)]
    answers = driver.publish_all(runs)
    assert [answer["msg"] for answer in answers if answer["failed"]] == []
    assert driver.info()["sites"].keys() == {"shop", *(each["name"] for each in sites)}


def test_the_wait_for_another_writer_is_bounded_and_names_it(driver):
    with lock_held(driver) as holder:
        started = time.monotonic()
        refused = driver.publish(site(), patch={"_lock.PATIENCE": 1})
        assert time.monotonic() - started < 10
    assert refused["failed"]
    assert "for 1 s" in refused["msg"]
    assert "nothing was changed" in refused["msg"].lower()
    assert re.search(rf"\b{holder}\b", refused["msg"])
    assert driver.publish(site())["changed"]


def test_a_writer_that_was_killed_holds_nothing(driver):
    driver.die(site("killed"), kill_after=0.2)
    assert driver.publish(site(), patch={"_lock.PATIENCE": 1})["failed"] is False
