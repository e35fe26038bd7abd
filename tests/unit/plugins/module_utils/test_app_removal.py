"""What else ends when an app is removed."""

from __future__ import annotations

import os
import pwd
import subprocess

from ansible_collections.gatehouse.django.plugins.module_utils import _app_removal
from ansible_collections.gatehouse.django.plugins.module_utils._app_host import App


def test_processes_of_the_user_end_and_those_of_others_stay(tmp_path, monkeypatch):
    app = App("shop", str(tmp_path))
    # Any user that no other process on this machine belongs to.
    theirs = 4_242_042
    user = pwd.struct_passwd(("shop", "x", theirs, theirs, "", app.data, "/usr/sbin/nologin"))
    monkeypatch.setattr(_app_removal.pwd, "getpwnam", lambda _name: user)
    stubborn = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    with (
        subprocess.Popen(["sleep", "60"]) as other,
        subprocess.Popen(["sleep", "60"], user=theirs) as polite,
        subprocess.Popen(stubborn, user=theirs, stdout=subprocess.PIPE) as deaf,
    ):
        assert deaf.stdout.readline() == b"ready\n"
        # Nobody but their parent clears away the dead.
        monkeypatch.setattr(_app_removal.time, "sleep", lambda _seconds: (polite.poll(), deaf.poll()))
        _app_removal.end_processes(app, patience=0.3)
        assert (polite.wait(), deaf.wait()) == (-15, -9)
        assert other.poll() is None
        other.kill()


def test_without_a_user_there_is_nothing_to_end(tmp_path):
    _app_removal.end_processes(App(f"no-such-user-{os.getpid()}", str(tmp_path)))
