"""The phases that a run displays while it works."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import watch as watches
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.watch import Watch


class Connection:
    """A connection to a host whose file with the phase has the prepared content."""

    def __init__(self):
        self.become, self.shown, self.asked, self.inner = "sudo", None, [], b""

    def exec_command(self, command, in_data, sudoable):
        self.asked.append((command, self.become, sudoable))
        if command.startswith("systemctl"):
            return 0, self.inner, b""
        if self.shown is None:
            return 1, b"", b"cat: no such file"
        return 0, (self.shown if isinstance(self.shown, bytes) else json.dumps(self.shown).encode()), b""


@pytest.fixture
def watch(monkeypatch):
    for name in ("SILENT_SECONDS", "POLL_SECONDS"):
        monkeypatch.setattr(watches, name, 0.01)
    watch = Watch(Connection(), "shop", "web1")
    watch.said = []
    watch._say = lambda text, stderr: watch.said.append((text, stderr))
    return watch


def until(condition):
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_each_phase_is_displayed_once(watch):
    connection = watch._connection
    with watch.step("deploy"):
        until(lambda: watch.said)
        for phase in ("dependencies", "migrate"):
            connection.shown = {"phase": phase, "after": 0.0}
            until(lambda phase=phase: any(phase in text for text, _stderr in watch.said))
        asked = len(connection.asked)
        until(lambda: len(connection.asked) > asked + 3)
    assert watch.said == [(f"shop on web1: phase {name} (0 s)", True) for name in ("deploy", "dependencies", "migrate")]


def test_the_host_is_asked_without_privileges(watch):
    with watch.step("deploy"):
        until(lambda: watch._connection.asked)
    assert watch._connection.asked[0] == (f"cat /run/gatehouse/phases/shop.{watch.id}", None, False)
    assert watch._connection.become == "sudo"


def test_a_phase_that_lasts_is_displayed_again(watch, monkeypatch):
    monkeypatch.setattr(watches, "REPEAT_SECONDS", 0.02)
    with watch.step("deploy"):
        until(lambda: len(watch.said) > 1)
    assert len(watch.said) > 1


@pytest.mark.parametrize("shown", [{"phase": "source"}, {"phase": "source", "after": "x"}, b"\xff", [], None])
def test_any_other_file_is_ignored(watch, shown):
    watch._connection.shown = shown
    assert watch._ask() is None


def test_the_phases_of_the_process_of_the_app(watch):
    watch._connection.shown = {"phase": "prepare", "after": 1.5}
    assert watch._ask() == ("prepare", 1.5)
    watch._connection.inner = b"\x1b[31mforged\n"
    assert watch._ask() == ("prepare", 1.5)
    watch._connection.inner = b"migrate\n"
    assert watch._ask() == watch._ask() == ("migrate", 1.5)
    watch._connection.inner = b"check\n"
    phase, after = watch._ask()
    assert (phase, 0 <= after < 1.5) == ("check", True)
    assert watch._ask() == (phase, after)
    assert watch._connection.asked[-1][0] == "systemctl show --property=StatusText --value shop-prepare.service"


def test_a_short_step_displays_nothing(monkeypatch):
    watch = Watch(Connection(), "shop", "web1")
    said = []
    watch._say = lambda *arguments, **_options: said.append(arguments)
    start = time.monotonic()
    with watch.step("deploy"):
        pass
    assert (said, time.monotonic() - start < watches.SILENT_SECONDS) == ([], True)


def test_who_runs_it(monkeypatch):
    monkeypatch.setattr(watches.getpass, "getuser", lambda: "alice")
    monkeypatch.setattr(watches.socket, "gethostname", lambda: "laptop")
    assert Watch(None, "shop", "web1").run["by"] == "alice@laptop"

    def nameless():
        raise KeyError

    monkeypatch.setattr(watches.getpass, "getuser", nameless)
    monkeypatch.setattr(watches.os, "getuid", lambda: 1000)
    assert watches.operator() == "1000@laptop"
