"""New options of a backup: those in use stay until the repository was opened, also if the run is killed."""

import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import install, option_files, place, setup
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._core import lock

OLD = {
    **{"to": "", "password": "correct horse battery", "password_kept": True, "ssh_key": "", "known_hosts": ""},
    **{"environment": {}, "keep": {"daily": 7}, "time": "02:30", "drill": "never", "on_failure": ""},
}
NEW = OLD | {
    "to": "sftp:keeper@nas:/srv/shop",
    "ssh_key": "a key",
    "known_hosts": "nas ssh-ed25519 AAAA",
    "time": "04:00",
}


class KilledError(BaseException):
    """What SIGKILL is to a process."""


class Restic:
    """The repositories: which of the passwords opens each target; a target that is missing cannot be reached."""

    def __init__(self):
        self.passwords = {}

    def __call__(self, argv, cwd=None, environ_update=None, data=None):
        words = argv[argv.index("restic") + 1 :]
        words = words[2:] if words[0] == "-o" else words
        target = environ_update["RESTIC_REPOSITORY"]
        with open(environ_update["RESTIC_PASSWORD_FILE"], encoding="utf-8") as file:
            given = file.read().strip()
        if target not in self.passwords:
            return 1, "", "the server does not answer"
        keys = self.passwords[target]
        if words == ["init"]:
            keys.append(given)
            return 0, "", ""
        if not keys:
            return 10, "", ""
        if given not in keys:
            return 12, "", "wrong password"
        if words[:2] == ["key", "add"]:
            with open(words[2].partition("=")[2], encoding="utf-8") as file:
                keys.append(file.read().strip())
        if words[:2] == ["key", "list"]:
            return 0, json.dumps([{"current": one == given, "id": one} for one in keys]), ""
        if words[:2] == ["key", "remove"]:
            keys.remove(words[2])
        return 0, "", ""


@pytest.fixture
def restic(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "LOCKS", tmp_path / "locks")
    for module in (install, place):
        monkeypatch.setattr(module, "UNIT_DIRECTORY", str(tmp_path / "units"))
    monkeypatch.setattr(place, "BACKUPS", str(tmp_path / "backups"))
    monkeypatch.setattr(place.drill_record, "timer", lambda app: tmp_path / f"units/gatehouse-drill@{app}.timer")
    program = tmp_path / "lib/gatehouse-backup"
    monkeypatch.setattr(install, "PROGRAM", program)
    monkeypatch.setattr(install, "program_files", lambda: {program: "the program"})
    found = Restic()
    monkeypatch.setattr(setup, "Repository", lambda place: REPOSITORY(place, found))
    return found


REPOSITORY = setup.Repository


def begin(tmp_path, options, **more):
    here = Place(App("shop"), str(tmp_path / "state"))
    work = setup.Setup(here, lambda _argv: (0, "", ""))
    return work.begin(dict(options), check_mode=False, **more)


def in_use(tmp_path):
    """The options that a timer would find, by name."""
    here = Place(App("shop"), str(tmp_path / "state"))
    paths = [here.option(name) for name in option_files.NAMES]
    return {path.name: path.read_text() for path in paths if path.exists()}


@pytest.fixture
def old(restic, tmp_path):
    """The options in use of a backup that works, which is into a directory of the host."""
    restic.passwords[str(tmp_path / "backups/shop")] = []
    assert begin(tmp_path, OLD)["created"] is True
    assert begin(tmp_path, OLD)["changed"] is False
    return in_use(tmp_path)


def test_a_target_that_cannot_be_opened_replaces_nothing(old, restic, tmp_path):
    timer = tmp_path / "units/gatehouse-backup@shop.timer"
    before = timer.read_text()
    with pytest.raises(BackupError, match=rf"the backup to {tmp_path}/backups/shop goes on as before\."):
        begin(tmp_path, NEW)
    assert in_use(tmp_path) == old
    assert timer.read_text() == before
    assert not (tmp_path / "state/shop/prepared").exists()
    assert begin(tmp_path, OLD)["changed"] is False


def test_a_first_backup_that_cannot_be_set_up_leaves_nothing(restic, tmp_path):
    with pytest.raises(BackupError, match="shop has no backup until this is corrected"):
        begin(tmp_path, NEW)
    assert in_use(tmp_path) == {}
    assert not (tmp_path / "units").exists()


def test_all_of_the_new_options_are_in_use_afterwards(old, restic, tmp_path):
    restic.passwords[NEW["to"]] = []
    assert begin(tmp_path, NEW)["created"] is True
    assert set(in_use(tmp_path)) == {"config.json", "password", "proven", "ssh_key", "known_hosts"}
    assert begin(tmp_path, NEW)["changed"] is False
    begin(tmp_path, OLD)
    assert in_use(tmp_path) == old


@pytest.mark.parametrize("step", range(1, 32))
def test_a_kill_leaves_the_old_or_the_new_options(old, restic, tmp_path, monkeypatch, step):
    restic.passwords[NEW["to"]] = []
    steps = iter(range(1, 1000))

    def killed_at(real):
        def call(*words, **more):
            # What a killed run would have done for its end is not done either.
            if next(steps, 0) >= step:
                raise KilledError
            return real(*words, **more)

        return call

    was_killed = False
    with monkeypatch.context() as patch:
        for name in ("rename", "replace", "unlink", "rmdir"):
            patch.setattr(os, name, killed_at(getattr(os, name)))
        try:
            begin(tmp_path, NEW)
        except KilledError:
            was_killed = True
    found = in_use(tmp_path)
    if found != old:
        assert (found["known_hosts"], found["ssh_key"]) == ("nas ssh-ed25519 AAAA\n", "a key\n")
        assert '"sftp:keeper@nas:/srv/shop"' in found["config.json"]
    # The next run ends what was begun.
    begin(tmp_path, NEW)
    assert set(in_use(tmp_path)) == {"config.json", "password", "proven", "ssh_key", "known_hosts"}
    assert begin(tmp_path, NEW)["changed"] is False
    assert sorted(path.name for path in (tmp_path / "state/shop").iterdir()) == sorted(in_use(tmp_path))
    assert was_killed or step > 10


def test_another_password_opens_the_repository_alone(old, restic, tmp_path):
    begin(tmp_path, OLD | {"password": "another password"})
    assert restic.passwords[str(tmp_path / "backups/shop")] == ["another password"]
    assert in_use(tmp_path)["password"] == "another password\n"


def test_a_password_that_was_added_by_a_killed_run(old, restic, tmp_path):
    restic.passwords[str(tmp_path / "backups/shop")].append("another password")
    begin(tmp_path, OLD | {"password": "another password"})
    assert restic.passwords[str(tmp_path / "backups/shop")] == ["another password"]


def test_the_options_of_a_lost_host_are_written_when_the_repository_is_open(restic, tmp_path):
    work = setup.Setup(Place(App("shop"), str(tmp_path / "state")), None)
    with pytest.raises(BackupError):
        work.open_existing(dict(NEW))
    assert in_use(tmp_path) == {}
    restic.passwords[NEW["to"]] = [NEW["password"]]
    work.open_existing(dict(NEW))
    assert set(in_use(tmp_path)) == {"config.json", "password", "ssh_key", "known_hosts"}
