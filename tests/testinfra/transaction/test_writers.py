"""Concurrent runs wait for each other, and no change is lost."""

import re
import time

from helpers.direct import HOME
from helpers.hosts import eventually
from helpers.http import Visitor
from helpers.kills import reload_of
from helpers.sites import extra as site
from helpers.sites import numbered
from helpers.states import LOCK, lock_held, transient_service

WRITERS = 16
IMPATIENT = {"_core.lock.LOCK_TIMEOUT_SECONDS": 1}
# Sixteen runs, one after the other.
PATIENT = {"_core.lock.LOCK_TIMEOUT_SECONDS": 900}
# A user's process that holds a lock on all that it can open.
GREEDY = """
import fcntl, os, sys, time
held = 0
for tree in ("/etc", "/run", "/srv", "/tmp", "/var"):
    for directory, _directories, names in os.walk(tree):
        for path in (directory, *(f"{directory}/{name}" for name in names)):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held += 1
            except OSError:
                pass
with open("/tmp/greedy", "w") as file:
    file.write(str(held))
time.sleep(600)
"""


def test_sixteen_writers_publish_one_site_each(driver, address):
    before = driver.info()["generation"]
    sites = [numbered(number) for number in range(WRITERS)]
    published = driver.publish_all([driver.prepare(each, patch=PATIENT) for each in sites])
    assert [answer["msg"] for answer in published if answer["failed"]] == []
    assert sorted(answer["generation"] for answer in published) == list(range(before + 1, before + 1 + WRITERS))
    assert driver.info()["generation"] == before + WRITERS
    for each in sites:
        assert Visitor(address, each["server_name"][0]).get("/word").text == each["name"]


def test_readers_see_whole_configurations_during_writes(driver, address):
    """Check mode and nginx_info never see half of a change."""
    sites = [numbered(number) for number in range(4)]
    runs = [driver.prepare(each) for each in sites]
    runs[1:1] = [driver.prepare(site(), check=True) for _reader in range(4)]
    answers = driver.publish_all(runs)
    assert [answer["msg"] for answer in answers if answer["failed"]] == []
    assert driver.info()["sites"].keys() == {"shop", *(each["name"] for each in sites)}


def test_the_wait_for_the_lock_ends_and_names_its_holder(driver):
    with lock_held(driver) as holder:
        started = time.monotonic()
        refused = driver.publish(site(), patch=IMPATIENT)
        assert time.monotonic() - started < 60
    assert refused["failed"]
    assert refused["msg"] == (
        f"Timed out after 1 s waiting for the lock on {LOCK}, "
        f"held by process {holder} (/usr/bin/flock {LOCK} sleep 600). Nothing was changed; retry later."
    )
    assert driver.publish(site())["changed"]


def test_the_holder_of_the_lock_is_named_with_its_time(driver):
    code = f"""
import sys, time
sys.path.insert(0, "{HOME}")
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import locked
with locked("nginx"):
    time.sleep(600)
"""
    with transient_service(driver, "lock-holder", "python3", "-c", code):
        eventually(lambda: driver.ask("shell", f"flock --nonblock {LOCK} true")["rc"])
        began = time.monotonic()
        eventually(lambda: time.monotonic() - began > 2)
        refused = driver.publish(site(), patch=IMPATIENT)["msg"]
        passed = time.monotonic() - began
    holding = re.search(r"held by process \d+ \(.*python3 -c .*\) for (\d+) s\.", refused, re.DOTALL)
    assert holding, refused
    assert 2 <= int(holding[1]) <= passed + 2


def test_locks_of_an_unprivileged_user_block_no_run(driver):
    driver.publish(site())  # the lock's file is there
    limits = ("--property=LimitNOFILE=20000", "--property=User=nobody")
    with transient_service(driver, "greedy", *limits, "python3", "-c", GREEDY):
        eventually(lambda: int(driver.ask("shell", "cat /tmp/greedy")["out"] or 0), 180)
        for path in ("/etc/nginx", "/etc/nginx/nginx.conf", "/run"):
            assert driver.ask("shell", f"flock --nonblock {path} true")["rc"], f"{path} is not held"
        answer = driver.publish(site("new"), patch=IMPATIENT)
    driver.shell("rm /tmp/greedy")
    assert not answer["failed"], answer["msg"]


def test_a_killed_run_holds_no_lock(driver):
    killed = site("killed")
    assert driver.die(killed, kill_at=reload_of(driver, killed))["killed"]
    assert driver.publish(site(), patch=IMPATIENT)["failed"] is False
