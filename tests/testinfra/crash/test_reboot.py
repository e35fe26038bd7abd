"""After a reboot the same release is served, and the first requests queue instead of failing."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from helpers.hosts import eventually, release_of
from helpers.http import Visitor
from helpers.steady import site_of

NAME = site_of("steady")
VISITORS = 8


def podman(*arguments):
    return subprocess.run(["podman", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def first_answer(address):
    """The first answer that a visitor gets. Before it, connections are refused; or they are reset, because the check of
    the configuration in nginx's own unit (`nginx -t`) listens for a moment.
    """
    while True:
        try:
            return Visitor(address, NAME).get("/")
        except ConnectionError:
            time.sleep(0.005)


def test_requests_queue_while_the_app_starts_after_a_boot(host):
    name, before = host.backend.name, release_of(host, "steady")
    podman("stop", "--time=60", name)
    # It returns long before nginx is there.
    podman("start", name)
    address = podman("inspect", "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
    with ThreadPoolExecutor(VISITORS) as pool:
        answers = list(pool.map(first_answer, [address] * VISITORS))
    assert [answer.status for answer in answers] == [200] * VISITORS
    assert {answer.json()["release"] for answer in answers} == {before}
    eventually(lambda: release_of(host, "steady") == before)
