"""New connections wait in a queue of the kernel, for nginx and for an app; what the client after them gets."""

import subprocess
from pathlib import Path

import pytest
from helpers.hosts import eventually, unit
from helpers.http import Visitor

PROGRAM = Path(__file__).parents[1] / "helpers/on_host/fill.py"
NAMES = {"guestbook": "guestbook.example.test", "wagtailsite": "wagtail.example.test"}


def filled(host, service, where, name):
    command = ["podman", "exec", "--interactive", host.backend.name, "timeout", "300", "python3", "-"]
    done = subprocess.run(
        [*command, service, where, name], stdin=PROGRAM.open(), capture_output=True, text=True, check=True
    )
    return tuple(map(int, done.stdout.split()))


def longest(host):
    return min(4096, int(host.file("/proc/sys/net/core/somaxconn").content_string))


# asyncio shortens the queue of an inherited socket.
@pytest.mark.parametrize("app", NAMES)
def test_a_full_queue_of_an_app_is_a_502(host, address, app):
    # Over a connection that nginx keeps, the application would get the request.
    eventually(lambda: not host.check_output("ss -xH state connected src '*/web.sock'"), 30)
    waited, status = filled(host, unit(host, app, "service"), f"/srv/{app}/current/web.sock", NAMES[app])
    # The kernel keeps one more than listen(2) says.
    assert (waited, status) == (longest(host) + 1, 502)
    visitor = Visitor(address, NAMES[app])
    eventually(lambda: visitor.get("/").status < 500)


def test_a_full_queue_of_nginx_is_no_answer(host, guestbook):
    assert filled(host, "nginx.service", "80", guestbook.name) == (longest(host) + 1, 0)
    assert guestbook.get("/healthz").status == 200
