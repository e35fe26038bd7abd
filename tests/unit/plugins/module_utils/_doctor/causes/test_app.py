"""Whether an app can be asked at all."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import app

WELL = "LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=0\n"
SERVICE, SOCKET = "shop-web@1.service", "shop-web@1.socket"


@pytest.fixture
def release(tmp_path, monkeypatch):
    monkeypatch.setattr(app, "App", lambda name: App(name, str(tmp_path)))
    release = tmp_path / "shop" / "releases" / "1"
    release.mkdir(parents=True)
    (release / ".complete").touch()
    (release / "web.sock").touch()
    (tmp_path / "shop" / "current").symlink_to("releases/1")
    return release


@pytest.fixture
def explain(release):
    def explain(states=None, said="", **options):
        def run(args):
            return 0, said if args[0] == "journalctl" else (states or {}).get(args[-1], WELL), ""

        return app.explain(run, "shop.test", "shop", **options)

    return explain


def test_all_is_well(explain):
    assert explain() is None


def test_no_release(explain, release):
    (release / ".complete").unlink()
    assert "leads to no complete release of shop" in explain().cause
    (release.parents[1] / "current").unlink()
    assert "leads to no complete release of shop" in explain().cause


def test_a_service_that_does_not_stay_up(explain, release):
    (release / "env").write_text('DJANGO_SECRET_KEY="geheim"\n')
    state = "ActiveState=activating\nSubState=auto-restart\nResult=exit-code\nNRestarts=3\n"
    finding = explain({SERVICE: state}, "ValueError: geheim is no key")
    assert f"{SERVICE}, does not stay up: it is activating (auto-restart), result exit-code." in finding.cause
    assert finding.cause.endswith("It last said: ValueError: ******** is no key")
    assert "gatehouse.django.rollback -e django_app_name=shop" in finding.remedy


def test_a_service_that_seems_to_run_in_between(explain, monkeypatch):
    states = iter([WELL, WELL, "ActiveState=failed\nSubState=failed\n"])
    monkeypatch.setattr(app.systemd, "show", lambda run, unit: dict(x.split("=") for x in next(states).split()))
    assert "does not stay up: it is failed (failed)" in explain(is_known_to_fail=True).cause


@pytest.mark.parametrize(
    ("state", "said", "remedy"),
    [
        ("LoadState=not-found\nActiveState=inactive\n", f"systemd knows no unit {SOCKET}", "gatehouse.django.site"),
        ("LoadState=loaded\nActiveState=inactive\nSubState=dead\n", "is inactive (dead)", "restart shop-web`"),
    ],
)
def test_the_socket_unit(explain, state, said, remedy):
    finding = explain({SOCKET: state})
    assert said in finding.cause
    assert remedy in finding.remedy


def test_a_socket_that_was_removed(explain, release):
    (release / "web.sock").unlink()
    finding = explain()
    assert f"The socket {release}/web.sock of shop was removed" in finding.cause
    assert finding.remedy == "`systemctl restart shop-web`"
