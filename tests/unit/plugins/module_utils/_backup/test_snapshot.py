"""What is left out of a snapshot, and what is a failure of it."""

import json
import os
import subprocess
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import backup_record
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import snapshot
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place

SUMMARY = json.dumps(
    {"message_type": "summary", "snapshot_id": "1f0c8d2e90", "total_bytes_processed": 10, "data_added": 5}
)


def error(name, number):
    return json.dumps({"message_type": "error", "error": {"Op": "lstat", "Path": name, "Err": number}, "item": name})


class Repository:
    shown = "/var/backups/gatehouse/shop"

    def __init__(self, tmp_path, code=0, err=""):
        self.place, self.answer, self.words = Place(App("shop"), str(tmp_path)), (code, SUMMARY, err), ()

    def why(self, text):
        return text

    def attempt(self, *words, cwd=None):
        self.words, self.cwd = words, cwd
        return self.answer


def store(repository, live=()):
    run = backup_record.began("r1")
    snapshot._store(repository, run, list(live))
    return run


def test_the_live_files_of_a_database_are_not_in_the_snapshot(tmp_path):
    repository = Repository(tmp_path)
    run = store(repository, ["/srv/shop/data/a[1]/db.sqlite3", "/mnt/other.sqlite3"])
    left_out = [word for word in repository.words if word.startswith("/")]
    data = f"{repository.place.view}/data"
    assert left_out == [
        *(f"{data}/a\\[1]/db.sqlite3{end}" for end in ("", "-wal", "-shm", "-journal")),
        f"{data}/.gatehouse-backup-*",
    ]
    assert (run["snapshot"], run["bytes"], run["added"]) == ("1f0c8d2e", 10, 5)
    assert (repository.words[-1], repository.cwd) == (".", str(repository.place.view))


def test_a_file_that_disappears_meanwhile_is_no_failure(tmp_path):
    assert store(Repository(tmp_path, 3, error("/session", 2)))["snapshot"] == "1f0c8d2e"


@pytest.mark.parametrize(
    ("code", "err"), [(3, f"{error('/session', 2)}\n{error('/upload', 5)}"), (3, ""), (1, "Fatal: no space left")]
)
def test_a_file_that_cannot_be_read_is_one(tmp_path, code, err):
    with pytest.raises(BackupError):
        store(Repository(tmp_path, code, err))


@pytest.mark.parametrize(
    ("keep", "words"),
    [({}, None), ({"daily": 7, "weekly": 0, "monthly": 6}, ["--keep-daily=7", "--keep-monthly=6"])],
)
def test_what_is_kept(tmp_path, monkeypatch, keep, words):
    repository, called = Repository(tmp_path), []
    repository.place.home.mkdir()
    repository.place.config.write_text(json.dumps({"keep": keep}))
    repository.attempt = lambda *given: called.append(given) or (0, "", "")
    assert snapshot._keep(repository) == []
    if words is None:
        assert called == []
    else:
        ((command, *options),) = called
        assert command == "forget"
        assert [word for word in options if word.startswith("--keep")] == words
        assert options[options.index("--tag") + 1] == "shop"


def keep_one(tmp_path, err):
    """What comes of the removal of old backups that fails with *err*."""
    repository = Repository(tmp_path)
    repository.place.home.mkdir()
    repository.place.config.write_text(json.dumps({"keep": {"daily": 1}}))
    repository.attempt = lambda *_words: (1, "", err)
    return snapshot._keep(repository)


@pytest.mark.parametrize(
    "err",
    [
        "<snapshot/1f0c>: blob not removed, server response: 403 Forbidden (403)",
        "unable to remove snapshot/1f0c from the repository: unexpected HTTP response (403): 403 Forbidden",
    ],
)
def test_a_server_that_only_adds_is_a_warning(tmp_path, err):
    (warning,) = keep_one(tmp_path, err)
    assert warning.startswith("Old backups stay: ")
    assert "only adds (append-only). Set 'keep: {}' in backup" in warning


def test_old_backups_that_cannot_be_removed_for_another_reason_fail_it(tmp_path):
    with pytest.raises(BackupError, match=r"restic forget failed on .*: no space left"):
        keep_one(tmp_path, "no space left on device")


@pytest.fixture
def read_at(tmp_path, monkeypatch):
    """read_at(seconds): which part of the repository a backup reads that ends at that time."""
    repository, called = Repository(tmp_path), []
    repository.is_local = False
    repository.call = lambda *words: called.append(words)
    monkeypatch.setattr(snapshot, "Repository", lambda _place: repository)
    monkeypatch.setattr(snapshot.databases, "read", lambda _app: ([], {}, []))
    monkeypatch.setattr(snapshot.certificates, "collect", lambda _app, _directory: ([], []))
    monkeypatch.setattr(snapshot, "_manifest", lambda *_given: {})
    monkeypatch.setattr(snapshot.view, "data_of", lambda _app, _directory: nullcontext())
    monkeypatch.setattr(snapshot, "_store", lambda *_given: None)
    monkeypatch.setattr(snapshot, "_keep", lambda _repository: [])
    repository.place.home.mkdir()

    def read_at(seconds):
        monkeypatch.setattr(snapshot, "time", SimpleNamespace(time=lambda: seconds))
        snapshot._back_up(repository.place, backup_record.began("r1"))
        (command, *options) = called.pop()
        assert command == "check"
        (part,) = [word.removeprefix("--read-data-subset=") for word in options if "--read-data-subset" in word]
        return part

    return read_at


def test_another_part_is_read_each_day_and_all_of_them_in_30_days(read_at):
    day = 86400
    begin = 20_000 * day
    first, second = read_at(begin + 100.5), read_at(begin + day + 100.5)
    assert (first, second) == ("21/30", "22/30")
    assert read_at(begin + day - 1) == first
    parts = [read_at(begin + number * day) for number in range(30)]
    assert sorted(parts) == sorted(f"{number}/30" for number in range(1, 31))


def begun(_directory):
    raise InterruptedError


@pytest.mark.parametrize(("is_local", "is_refused"), [(True, True), (False, False)])
def test_backups_do_not_fill_the_disk_of_the_host(tmp_path, monkeypatch, is_local, is_refused):
    run = backup_record.began("r1")
    repository = Repository(tmp_path)
    repository.is_local = is_local
    monkeypatch.setattr(snapshot.Path, "exists", lambda _path: True)
    monkeypatch.setattr(snapshot, "Repository", lambda _place: repository)
    monkeypatch.setattr(snapshot.databases, "room", lambda _directory: 0)
    monkeypatch.setattr(snapshot, "_emptied", begun)
    with pytest.raises(
        BackupError if is_refused else InterruptedError, match="Keep fewer backups" if is_refused else None
    ):
        snapshot._back_up(repository.place, run)


def test_no_backup_between_the_steps_of_a_restore(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "locked", lambda _name: nullcontext())
    monkeypatch.setattr(snapshot, "_back_up", lambda _place, _run: None)
    place = Place(App("shop"), str(tmp_path))
    place.home.mkdir()
    assert snapshot.back_up(place)["result"] == "ok"
    (place.home / "restore.json").write_text("{}")
    run = snapshot.back_up(place)
    assert run["result"] == "failed"
    assert "A restore or rollback of the database works on this host" in run["problem"]


class Killed:
    """What a backup that was killed has left, and a copy that a deployment makes at the same time."""

    def __init__(self, directory):
        self.place, self.held = Place(App("shop", f"{directory}/srv"), f"{directory}/state"), []
        ended = subprocess.Popen(["true"])
        ended.wait()
        left = {f".gatehouse-backup-{ended.pid}{end}" for end in ("", "-journal")}
        self.kept = {f".gatehouse-backup-{os.getppid()}", "db.sqlite3", ".gatehouse-backup-x"}
        os.makedirs(self.place.app.data)
        for name in left | self.kept:
            with open(os.path.join(self.place.app.data, name), "w"):
                pass
        self.dump = self.place.view / "databases/default.pgdump"
        self.dump.parent.mkdir(parents=True)
        self.dump.write_text("rows")

    @property
    def files(self):
        return {*os.listdir(self.place.app.data)}


@pytest.fixture
def killed(tmp_path, monkeypatch):
    killed = Killed(tmp_path)
    monkeypatch.setattr(snapshot, "is_held", lambda name: name in killed.held)
    monkeypatch.setattr(snapshot, "locked", lambda _name: nullcontext())
    return killed


def test_what_a_killed_one_has_left_is_removed(killed):
    for _time in range(2):
        snapshot.tidy(killed.place)
        assert not killed.place.view.exists()
        assert killed.files == killed.kept


def test_what_another_one_makes_stays(killed):
    before, killed.held = killed.files, ["backup-shop"]
    snapshot.tidy(killed.place)
    assert killed.dump.exists()
    assert killed.files == before
