"""The removal of an app."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts, removal
from ansible_collections.gatehouse.django.plugins.module_utils._app.installed import installed
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree


def test_only_processes_of_the_user_are_killed(monkeypatch):
    # Any user that no other process on this machine belongs to.
    theirs = 4_242_042
    stubborn = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    with (
        subprocess.Popen(["sleep", "60"]) as other,
        subprocess.Popen(["sleep", "60"], user=theirs) as polite,
        subprocess.Popen(stubborn, user=theirs, stdout=subprocess.PIPE) as deaf,
    ):
        assert deaf.stdout.readline() == b"ready\n"
        # Only its parent removes a dead process.
        monkeypatch.setattr(removal.time, "sleep", lambda _seconds: (polite.poll(), deaf.poll()))
        removal.end_processes(theirs, timeout=0.3)
        assert (polite.wait(), deaf.wait()) == (-15, -9)
        assert other.poll() is None
        other.kill()


def test_a_user_without_processes():
    """Smoke test: nothing is raised."""
    removal.end_processes(4_242_043)


class Units:
    """As much of the app's units as a removal asks for."""

    def __init__(self, app, files=()):
        self.app, self.files = app, dict.fromkeys(files, "")
        self.slice = "gatehouse-shop.slice"

    def on_host(self):
        return self.files

    def stale(self, wanted):
        return [path for path in self.files if path not in wanted]

    def drop(self, paths):
        for path in paths:
            del self.files[path]


@pytest.fixture
def app(tmp_path, monkeypatch):
    app = App("shop", str(tmp_path))
    users = {name: f"{tmp_path}/shop/{home}" for name, home in (("shop", "data"), ("shop-build", "cache"))}
    monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=4_242_042, pw_dir=users[name]))
    monkeypatch.setattr(accounts, "remove", lambda _tools, _app: users.clear())
    for path in (app.releases, app.failed, app.venvs, app.cache, app.data):
        os.makedirs(path)
    os.symlink("releases/abc-1", app.link)
    os.chown(app.data, 4_242_042, 4_242_042)
    with open(os.path.join(app.data, "db.sqlite3"), "w", encoding="utf-8"):
        pass
    return app


def removed(app, units, data):
    found = removal.removable(units, data=data)
    removal.remove(Tools(lambda *_arguments, **_options: (0, "", ""), {}), units, data=data)
    return found


def test_removal_keeps_the_data_and_is_idempotent(app):
    units = Units(app, ["/etc/systemd/system/shop-web@.service"])
    places = [app.link, app.releases, app.failed, app.venvs, app.cache]
    found = ["/etc/systemd/system/shop-web@.service", *places, "user shop", "user shop-build"]
    assert removed(app, units, False) == found
    assert os.listdir(app.home) == ["data"]
    kept = os.stat(app.data)
    assert (kept.st_uid, kept.st_gid, stat.S_IMODE(kept.st_mode)) == (0, 4_242_042, 0o700)
    assert os.listdir(app.data) == ["db.sqlite3"]
    assert removal.removable(units, data=False) == []


def test_the_data_is_removed_on_request(app):
    units = Units(app)
    replaced = [f"{app.home}/before-restore-20261126T023000Z", f"{app.home}/before-rollback-20261126T180102Z"]
    for path in replaced:
        os.mkdir(path)
    removed(app, units, False)
    assert "with data from before a restore" in removal.unconfirmed(app, "")
    assert removed(app, units, True) == [app.data, *replaced]
    assert not os.path.exists(app.home)


@pytest.mark.parametrize("data", [False, True])
def test_an_app_is_listed_until_all_of_it_is_removed(app, tmp_path, monkeypatch, data):
    """A removal that is killed is finished by the next run of the playbook, which asks the host for its apps."""
    root, units = str(tmp_path), Units(app, ["/etc/systemd/system/shop-web@.service"])
    os.makedirs(f"{app.releases}/abc-1/src")
    remove_users = accounts.remove

    def killed(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(accounts, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        removed(app, units, data)
    assert (installed(root), os.listdir(app.releases)) == (["shop"], [])
    assert removal.removable(units, data=data)
    # Only the last directory is left.
    remove_users(None, app)
    assert (installed(root), removal.removable(units, data=data)) == (["shop"], [app.releases])
    monkeypatch.setattr(accounts, "remove", remove_users)
    removed(app, units, data)
    assert (installed(root), removal.removable(units, data=data)) == ([], [])
    assert os.path.exists(app.home) != data


def test_servers_of_copies_stop_before_their_files_are_removed(app):
    """One that looks into a backup can run for days."""
    os.makedirs(f"{app.copies}/restore-server")
    seen = []

    def run(argv, **_options):
        seen.append((argv, os.path.exists(f"{app.copies}/restore-server")))
        return 0, "", ""

    removal.remove(Tools(run, {}), Units(app), data=False)
    assert (["systemctl", "stop", "gatehouse-*-server@shop.service"], True) in seen
    assert not os.path.exists(app.copies)


def test_files_of_another_owner_with_the_name_stay(app, monkeypatch):
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: SimpleNamespace(pw_uid=4_242_042, pw_dir="/var/games"))
    assert removal.removable(Units(app), data=True) == []


def test_a_link_in_place_of_the_data_is_not_followed(app, tmp_path):
    outside = tmp_path / "outside"
    os.rename(app.data, outside)
    os.symlink(outside, app.data)
    with pytest.raises(tree.UntrustedEntry, match="data' is a symbolic link"):
        removed(app, Units(app), False)
    assert os.stat(outside).st_uid == 4_242_042
    removed(app, Units(app), True)
    assert os.listdir(outside) == ["db.sqlite3"]


def test_mounted_file_systems_are_not_removed(tmp_path):
    app = App("shop", str(tmp_path))
    table = tmp_path / "mountinfo"
    line = f"36 35 98:0 / {app.data}/media rw,noatime master:1 - ext4 /dev/sdb1 rw"
    table.write_text(f"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n{line}\n")
    with pytest.raises(ReleaseError, match=f"'{app.data}/media' is a mount point.*umount {app.data}/media"):
        removal.check_mounts(app, [app.releases, app.data], str(table))
    removal.check_mounts(app, [app.releases], str(table))
