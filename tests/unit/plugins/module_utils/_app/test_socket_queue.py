"""socket_queue, with real sockets and the real ss(8)."""

import os
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import socket_queue
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.socket_queue import wait_until_empty, waiting
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools


def run(argv, **_options):
    ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=10)
    return ended.returncode, ended.stdout, ended.stderr


TOOLS = Tools(run, {})


@pytest.fixture
def app():
    # The path of a socket has 107 bytes at most (unix(7)).
    with tempfile.TemporaryDirectory() as root:
        yield App("shop", root)


@pytest.fixture
def listen(app):
    with ExitStack() as opened:

        def begin(identifier):
            path = Path(app.release(identifier), "web.sock")
            path.parent.mkdir(parents=True)
            server = opened.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(str(path))
            server.listen(10)
            return server

        yield begin


@pytest.fixture
def connect(app):
    with ExitStack() as opened:

        def begin(identifier):
            client = opened.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(os.path.join(app.release(identifier), "web.sock"))

        yield begin


def test_connections_wait_until_they_are_accepted(app, listen, connect):
    old = listen("old")
    assert waiting(TOOLS, app, "new") == 0
    connect("old")
    connect("old")
    assert waiting(TOOLS, app, "new") == 2
    with old.accept()[0]:
        assert waiting(TOOLS, app, "new") == 1


def test_connections_of_the_served_release_and_of_other_apps_do_not_count(app, listen, connect):
    listen("new")
    listen("newer")
    connect("new")
    assert waiting(TOOLS, app, "new") == 0
    assert waiting(TOOLS, App("sho", os.path.dirname(app.home)), "new") == 0
    connect("newer")
    assert waiting(TOOLS, app, "new") == 1


def test_the_wait_ends_soon_after_the_last_connection_is_accepted(app, listen, connect):
    old = listen("old")
    connect("old")
    accepted = []

    def accept():
        with old.accept()[0]:
            accepted.append(time.monotonic())

    timer = threading.Timer(0.5, accept)
    timer.start()
    wait_until_empty(TOOLS, app, "new", since=time.monotonic(), limit=60)
    ended = time.monotonic()
    timer.join()
    assert accepted
    assert ended >= accepted[0] + socket_queue.READ_SECONDS - socket_queue.POLL_SECONDS


def test_the_wait_has_a_limit(app, listen, connect):
    listen("old")
    connect("old")
    wait_until_empty(TOOLS, app, "new", since=time.monotonic() - 59.5, limit=60)
    assert waiting(TOOLS, app, "new") == 1


@pytest.mark.parametrize("state", ["missing", "failing"])
def test_without_ss_the_wait_is_a_fixed_time_after_the_switch(app, monkeypatch, state):
    slept = []
    monkeypatch.setattr(socket_queue.time, "sleep", slept.append)
    monkeypatch.setattr(socket_queue.time, "monotonic", lambda: 100.25)
    tools = Tools(lambda *_argv, **_options: (1, "", "Cannot open netlink socket"), {})
    if state == "missing":
        tools = TOOLS
        monkeypatch.setattr(socket_queue.shutil, "which", lambda _name: None)
    wait_until_empty(tools, app, "new", since=100.0, limit=5)
    assert slept == [0.75]
