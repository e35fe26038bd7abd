"""What on a path keeps nginx out."""

from __future__ import annotations

import os
import socket

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import permissions


class FakeHost:
    """A host on which nginx may not access one path, in its sandbox only or anywhere."""

    user = ("www-data", "www-data")

    def __init__(self, forbidden="", sandbox_only=False):
        self.forbidden, self.sandbox_only, self.asked = str(forbidden), sandbox_only, []

    def worker_may(self, test, path, *, sandboxed=True):
        self.asked.append((test, path))
        return path != self.forbidden or (self.sandbox_only and not sandboxed)


@pytest.fixture
def tree(tmp_path):
    release = tmp_path / "releases" / "1"
    release.mkdir(parents=True)
    (release / "x.css").touch(0o644)
    (tmp_path / "current").symlink_to("releases/1")
    (tmp_path / "absolute").symlink_to(release)
    return tmp_path


@pytest.mark.parametrize("link", ["current", "absolute", "current/../1", "./current/."])
def test_symlinks_are_resolved(tree, link):
    found = permissions.resolved_steps(f"{tree}/{link}/x.css")
    assert found[0] == "/"
    wanted = [tree, tree / "releases", tree / "releases" / "1", tree / "releases" / "1" / "x.css"]
    assert [step for step in found if step in map(str, wanted)][-1] == str(wanted[-1])
    assert set(map(str, wanted)) <= set(found)
    assert str(tree / "current") not in found


def test_a_symlink_to_itself_ends(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    assert permissions.resolved_steps(f"{tmp_path}/loop")[-1].endswith("loop")


def test_no_obstacle(tree):
    host = FakeHost()
    assert permissions.find_obstacle(host, f"{tree}/current/x.css", "r") is None
    assert host.asked[-1] == ("r", f"{tree}/releases/1/x.css")
    assert {test for test, _path in host.asked[:-1]} == {"x"}


@pytest.mark.parametrize(
    ("component", "kind", "need", "mode"),
    [("releases", "directory", "entered", 0o700), ("releases/1/x.css", "file", "read", 0o600)],
)
def test_a_component_and_its_mode(tree, component, kind, need, mode):
    path = tree / component
    path.chmod(mode)
    found = permissions.find_obstacle(FakeHost(path), f"{tree}/current/x.css", "r")
    assert found.cause.startswith(f"the {kind} {path} (mode {mode:04o} ")
    assert found.cause.endswith(f"cannot be {need} by nginx's user www-data")
    assert found.remedy == f"`chmod o+{'x' if kind == 'directory' else 'r'} {path}`"


def test_the_first_class_that_fits_applies(tree, monkeypatch):
    """With rights for all others, but none for the group, a member of the group has none."""
    entry = os.stat(tree)
    monkeypatch.setattr(permissions.os, "getgrouplist", lambda user, group: [entry.st_gid])
    monkeypatch.setattr(permissions.grp, "getgrnam", lambda name: type("Group", (), {"gr_gid": entry.st_gid}))
    monkeypatch.setattr(permissions.pwd, "getpwnam", lambda name: type("User", (), {"pw_uid": entry.st_uid + 1}))
    assert permissions.mode_class(entry, "www-data", "www-data") == "g"
    monkeypatch.setattr(permissions.pwd, "getpwnam", lambda name: type("User", (), {"pw_uid": entry.st_uid}))
    assert permissions.mode_class(entry, "www-data", "www-data") == "u"
    monkeypatch.setattr(permissions.os, "getgrouplist", lambda user, group: [])
    monkeypatch.setattr(permissions.pwd, "getpwnam", lambda name: type("User", (), {"pw_uid": entry.st_uid + 1}))
    assert permissions.mode_class(entry, "www-data", "www-data") == "o"


def test_a_directory_that_systemd_hides(tree):
    found = permissions.find_obstacle(FakeHost(tree / "releases", sandbox_only=True), f"{tree}/current/x.css", "r")
    assert found.cause.startswith(f"systemd hides {tree}/releases from nginx")


def test_an_absent_path_is_another_cause(tree):
    assert permissions.find_obstacle(FakeHost(tree / "none"), f"{tree}/none/x", "r") is None


def test_a_link_that_another_user_can_change(tree):
    """The remedy changes no mode: the link may lead to another app's files."""
    (tree / "data").mkdir()
    (tree / "data").chmod(0o777)
    (tree / "data" / "leak").symlink_to(tree / "releases")
    found = permissions.find_obstacle(FakeHost(tree / "releases"), f"{tree}/data/leak/1/x.css", "r")
    assert found.cause == f"{tree}/data/leak is a link to {tree}/releases, and another user than root can change it"
    assert "chmod" not in found.remedy


def test_a_socket_is_never_opened_to_all_users(tmp_path, monkeypatch):
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
    monkeypatch.setattr(permissions, "mode_class", lambda *_entry: "o")
    denied = permissions.Denied(str(path), "w", os.stat(path), "www-data", "www-data")
    assert denied.remedy == f"`chgrp www-data {path}`, then `chmod g+rw {path}`"


@pytest.mark.parametrize("name", ["0 /etc/shadow", "x;touch pwned;y"])
def test_a_file_that_an_uploader_named(tmp_path, monkeypatch, name):
    """Root's command has the name as one word, and there is none where a user can replace the file meanwhile."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    denied = permissions.Denied(str(path), "r", os.stat(path), "www-data", "www-data")
    monkeypatch.setattr(permissions, "mode_class", lambda *_entry: "o")
    assert denied.remedy == f"`chmod o+r '{path}'`"
    path.parent.chmod(0o777)
    assert denied.remedy.startswith("As its owner (")
    assert "`" not in denied.remedy
