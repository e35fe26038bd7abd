"""Commands of a deployment end after a time limit."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import time_limit
from ansible_collections.gatehouse.django.plugins.module_utils._app.app_user import AppUser
from ansible_collections.gatehouse.django.plugins.module_utils._app.commands import run_release_commands
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools


class Clock:
    """Stands for systemd-run, which takes *seconds* and ends with *code*."""

    def __init__(self, monkeypatch, seconds, code=1):
        self.now, self.seconds, self.code, self.calls = 1000.0, seconds, code, []
        monkeypatch.setattr(time_limit.time, "monotonic", lambda: self.now)

    def __call__(self, argv, **_options):
        self.calls.append(argv)
        self.now += self.seconds
        return self.code, "compressing", "block 3"

    @property
    def user(self):
        return AppUser(Tools(self, {}), App("shop"), "abc-1", ["User=shop"])


def test_a_command_that_was_stopped_is_named_with_the_time_and_the_remedy(monkeypatch):
    clock = Clock(monkeypatch, 3600.2)
    with pytest.raises(ReleaseError) as caught:
        run_release_commands(clock.user, [["manage.py", "compress"]])
    first, *_output, last = str(caught.value).splitlines()
    assert first.startswith("release_commands: 'manage.py compress' failed (1):")
    assert str(caught.value).count("compressing") == 1
    assert "block 3" in str(caught.value)
    assert last.startswith("It had not finished after 3600 s")
    assert "Look for what it waits for" in last
    assert "--property=RuntimeMaxSec=3600" in clock.calls[0]


@pytest.mark.parametrize(("seconds", "code"), [(3599.0, 1), (3600.2, 0)])
def test_another_end_is_not_taken_for_the_limit(monkeypatch, seconds, code):
    assert Clock(monkeypatch, seconds, code).user.attempt(["x"]) == (code, "compressing", "block 3")


def test_no_limit(monkeypatch):
    clock = Clock(monkeypatch, 7200.0)
    assert clock.user.attempt(["x"], is_limited=False) == (1, "compressing", "block 3")
    assert not any("RuntimeMaxSec" in word for word in clock.calls[0])
