"""After a reboot the same release is served, and the first visitor waits instead of being turned away."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from helpers.hosts import eventually, release_of
from helpers.http import Visitor
from helpers.load import accepts
from helpers.steady import site_of

NAME = site_of("steady")
VISITORS = 8


def podman(*arguments):
    return subprocess.run(["podman", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def first_answer(address):
    """What a visitor gets that asks as soon as nginx listens."""
    while not accepts(address):
        time.sleep(0.005)
    return Visitor(address, NAME).get("/")


def test_from_the_first_moment_on_visitors_only_wait(host):
    name, before = host.backend.name, release_of(host, "steady")
    podman("stop", "--time=60", name)
    # It returns long before nginx is there.
    podman("start", name)
    address = podman("inspect", "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
    assert not accepts(address), "too late to see the first moment"
    with ThreadPoolExecutor(VISITORS) as pool:
        answers = list(pool.map(first_answer, [address] * VISITORS))
    assert [answer.status for answer in answers] == [200] * VISITORS
    assert {answer.json()["release"] for answer in answers} == {before}
    assert eventually(lambda: release_of(host, "steady") == before)
