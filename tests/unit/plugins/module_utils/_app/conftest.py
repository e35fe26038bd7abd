"""A simulated host with users and groups."""

from __future__ import annotations

import grp
import os
import pwd
import re
import subprocess

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core.tree import remove_tree


class Host:
    """Knows users and groups, and does what useradd(8) and its like would do."""

    def __init__(self):
        self.users: dict[str, pwd.struct_passwd] = {}
        self.groups: dict[str, grp.struct_group] = {}
        self.commands: list[list[str]] = []
        self.failing: tuple[str, ...] = ()

    def add_user(self, name, number, home, group=None, shell="/usr/sbin/nologin"):
        self.users[name] = pwd.struct_passwd((name, "x", number, number if group is None else group, "", home, shell))

    def add_group(self, name, number):
        self.groups[name] = grp.struct_group((name, "x", number, []))

    def run_command(self, argv, **_options):
        self.commands.append(argv)
        if argv[0] in self.failing:
            return 1, "", f"{argv[0]}: refused"
        if argv[0] == "useradd":
            taken = {user.pw_uid for user in self.users.values()}
            free = next(number for number in range(4_242_100, 4_242_200) if number not in taken)
            number = int(argv[argv.index("--uid") + 1]) if "--uid" in argv else free
            self.add_group(argv[-1], number)
            self.add_user(argv[-1], number, argv[argv.index("--home-dir") + 1])
        elif argv[0] == "userdel":
            del self.users[argv[-1]]
        elif argv[0] == "groupdel":
            del self.groups[argv[-1]]
        return 0, "", ""

    @property
    def tools(self):
        return Tools(self.run_command, {})


class Direct:
    """Stands for the Builder: runs a command at once, with a /tmp of its own for scripts, and as this user."""

    cache = "/nonexistent"

    def __init__(self, temporary):
        self.temporary, self.calls = temporary, []
        self.environment = {"PATH": os.environ["PATH"]}

    def attempt(self, argv, *, writable=(), cwd="/", env=None):
        self.calls.append((argv, writable, cwd, env))
        if argv[0] == "sh":
            argv = [*argv[:2], self._moved(argv[2]), *argv[3:]]
        moved = {name: self._moved(text) for name, text in (env or {}).items()}
        done = subprocess.run(argv, cwd=cwd, env=self.environment | moved, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def _moved(self, text):
        return re.sub("(?:/var)?/tmp/", f"{self.temporary}/", text)

    def run(self, argv, **options):
        code, out, err = self.attempt(argv, **options)
        if code != 0:
            raise ReleaseError(err)
        return out


def lookup(table, attribute):
    """A function like getpwnam() (by name) or getpwuid() (by number)."""

    def find(wanted):
        for entry in table.values():
            if getattr(entry, attribute) == wanted:
                return entry
        raise KeyError(wanted)

    return find


@pytest.fixture
def host(monkeypatch):
    host = Host()
    host.add_group("root", 0)
    host.add_group("www-data", 4_242_033)
    monkeypatch.setattr(pwd, "getpwnam", lookup(host.users, "pw_name"))
    monkeypatch.setattr(pwd, "getpwuid", lookup(host.users, "pw_uid"))
    monkeypatch.setattr(grp, "getgrnam", lookup(host.groups, "gr_name"))
    monkeypatch.setattr(grp, "getgrgid", lookup(host.groups, "gr_gid"))
    return host


@pytest.fixture
def app(tmp_path):
    return App("shop", str(tmp_path))


@pytest.fixture
def removed(app):
    """removed(user, group): the data that the removal of an app with these numbers has left."""

    def removed(user, group, media_group=4_242_033):
        media = os.path.join(app.data, "media")
        os.makedirs(os.path.join(media, "photos"))
        for name in ("db.sqlite3", "media/photos/a.jpg", "uploads"):
            path = os.path.join(app.data, name)
            with open(path, "w", encoding="utf-8"):
                pass
            os.chown(path, user, group)
        os.chown(os.path.join(media, "photos"), user, media_group)
        os.chown(media, user, media_group)
        os.chown(app.data, 0, group)
        os.chmod(app.data, 0o700)

    return removed


@pytest.fixture
def deep(tmp_path):
    """A directory that os.walk() of Python 3.11 cannot list."""
    top = tmp_path / "deep"
    top.mkdir()
    inside = os.open(top, os.O_RDONLY)
    for _number in range(1500):
        os.mkdir("d", dir_fd=inside)
        outside, inside = inside, os.open("d", os.O_RDONLY, dir_fd=inside)
        os.close(outside)
    os.close(inside)
    yield str(top)
    remove_tree(str(top))


@pytest.fixture
def builder(tmp_path):
    (tmp_path / "private").mkdir()
    return Direct(tmp_path / "private")
