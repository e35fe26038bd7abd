"""What is read from a host about an app."""

from __future__ import annotations

import os
import pwd
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils import _app_host as host
from ansible_collections.gatehouse.django.plugins.module_utils._app_run import ReleaseError, Tools


@pytest.fixture
def app(tmp_path):
    app = host.App("shop", str(tmp_path))
    os.makedirs(app.releases)
    return app


def release(app, name, activated=None, complete=True):
    path = app.release(name)
    os.mkdir(path)
    for mark in [".complete"] * complete + [".activated"] * (activated is not None):
        with open(os.path.join(path, mark), "w", encoding="utf-8"):
            pass
        os.utime(os.path.join(path, mark), (activated or 0, activated or 0))


def answering(answers):
    """Tools whose commands answer by their second word."""
    return Tools(lambda argv, **_options: answers.get(argv[1], (0, "", "")), {})


def test_a_fresh_host(tmp_path):
    app = host.App("shop", str(tmp_path))
    assert (app.current(), app.is_complete(""), app.superfluous("", 5)) == ("", False, [])


def test_the_longest_unused_releases_go_first(app):
    for number in range(1, 6):
        release(app, f"r{number}", activated=number)
    os.symlink("releases/r5", os.path.join(app.home, "current"))
    assert app.superfluous("r5", 3) == ["r1", "r2"]


def test_the_way_back_is_kept_however_old_it_is(app):
    release(app, "old", activated=1)
    for number in range(2, 6):
        release(app, f"r{number}", activated=number)
    os.symlink("releases/old", os.path.join(app.home, "current"))
    assert app.superfluous("new", 2) == ["r2", "r3", "r4", "r5"]


def test_unfinished_releases_are_never_kept(app):
    release(app, "r1", activated=1)
    release(app, "half", complete=False, activated=9)
    os.symlink("releases/r1", os.path.join(app.home, "current"))
    assert app.superfluous("r1", 5) == ["half"]


def test_a_user_of_somebody_else_is_not_taken_over(app, monkeypatch):
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: SimpleNamespace(pw_dir="/var/games"))
    with pytest.raises(ReleaseError, match="already has a user 'shop'"):
        host.check_user(app)
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: SimpleNamespace(pw_dir=app.data))
    host.check_user(app)


def test_an_interpreter_that_is_not_there():
    with pytest.raises(ReleaseError, match=r"the host has no 'python9.9'"):
        host.find_python(Tools(lambda *_a, **_o: (0, "", ""), {}), "python9.9")


def test_units_that_stop_or_have_failed_are_not_in_the_way(app):
    listed = (
        "shop-web@a.service loaded active running Web\n"
        "shop-web@b.service loaded deactivating stop-sigterm Web\n"
        "shop-web@c.socket loaded failed failed Socket\n"
        "shop-web@d.service loaded inactive dead Web\n"
    )
    tools = answering({"list-units": (0, listed, "")})
    assert host.active_units(tools, app) == ["shop-web@a.service"]


@pytest.mark.parametrize(
    ("active", "enabled", "expected"),
    [
        ("active\nactive\nactive\n", 0, True),
        ("active\nfailed\nactive\n", 0, False),
        ("active\nactive\nactive\n", 1, False),
    ],
)
def test_running_means_all_of_it_now_and_at_boot(active, enabled, expected):
    tools = answering({"is-active": (0, active, ""), "is-enabled": (enabled, "", "")})
    assert host.is_up(tools, ["a.socket", "a.service", "web.service"]) is expected
