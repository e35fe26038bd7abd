"""What the project reports of its databases, of which it decides every byte, and what root makes of it."""

import json
import os
import subprocess

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import databases
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError

VERSIONS = {"django": "5.2", "python": "3.13"}


@pytest.fixture
def reported(monkeypatch, tmp_path):
    """Let the process of the app end with this code and these last words."""
    monkeypatch.setattr(databases.in_sandbox, "command", lambda *_given: ["systemd-run", "python"])
    seen = []

    def report(answer, code=0):
        text = answer if isinstance(answer, str) else json.dumps(answer)
        monkeypatch.setattr(
            databases, "run_bounded", lambda argv: (seen.append(argv), (code, "", f"noise\n{text}\n"))[1]
        )
        return App("shop", str(tmp_path)), seen

    return report


def database(vendor="sqlite", name="/srv/shop/data/db.sqlite3", **more):
    path = name if vendor == "sqlite" and name.startswith("/") else ""
    return {"vendor": vendor, "name": name, "path": path, "host": "", "port": "", "user": ""} | more


def read(reported, **given):
    return databases.read(reported({"databases": given, "versions": VERSIONS})[0])


def test_what_is_dumped_and_what_is_not(reported):
    found, versions, left_out = read(
        reported,
        default=database("postgresql", "shop"),
        replica=database("postgresql", "shop"),
        cache=database(name=":memory:"),
        old=database("mysql", "shop"),
        files=database(),
    )
    assert [(one.alias, one.file) for one in found] == [("default", "default.pgdump"), ("files", "files.sqlite3")]
    assert versions == VERSIONS
    (said,) = left_out
    assert "DATABASES['old'] is not in the backup" in said


@pytest.mark.parametrize("alias", ["../../etc/cron.d/x", "a/b", "", ".hidden", "a\nb"])
def test_an_alias_is_never_a_path(reported, alias):
    with pytest.raises(BackupError, match="has a name that no file of a backup can have"):
        read(reported, **{alias: database()})


@pytest.mark.parametrize("path", ["/srv/shop/data/../../blog/db", "/srv/shop/data/a\nb"])
def test_a_path_that_is_none(reported, path):
    with pytest.raises(BackupError):
        read(reported, default=database(path=path))


@pytest.mark.parametrize("answer", ["", "[]", "{}", '{"databases": [], "versions": 1}', "[" * 100_000])
def test_no_report(reported, answer):
    with pytest.raises(BackupError):
        databases.read(reported(answer)[0])


def test_a_failure_shows_the_last_words_without_control_characters(reported):
    app, _seen = reported("OperationalError: \x1b[31mno", 1)
    with pytest.raises(BackupError, match=r"failed \(1\): noise OperationalError: \\x1b\[31mno"):
        databases.read(app)


@pytest.mark.parametrize(
    ("path", "below"),
    [("/srv/shop/data/a/db", "a/db"), ("/srv/shop/data2/db", ""), ("/srv/blog/data/db", ""), ("", "")],
)
def test_the_place_of_a_file(path, below):
    one = databases.Database("default", "sqlite", path, path, "", "", "")
    assert one.below("/srv/shop/data") == below


def test_a_dump_that_fills_the_disk_is_stopped(reported, tmp_path, monkeypatch):
    app, seen = reported({"version": "3", "rows": {"a": 1}})
    target = tmp_path / "dump"
    target.write_text("x" * 100)
    one = databases.Database("default", "sqlite", "/db", "/db", "", "", "")
    assert databases.dump(app, one, target)["rows"] == {"a": 1}
    assert "head --bytes=" in " ".join(seen[0])
    monkeypatch.setattr(databases, "room", lambda _directory: 0)
    with pytest.raises(BackupError, match="does not fit"):
        databases.dump(app, one, target)


@pytest.mark.parametrize(
    ("writer", "code", "content"),
    [
        ("echo dump", 0, "dump\n"),
        ("echo dump; exit 3", 3, "dump\n"),
        # More than fits: it ends by SIGPIPE, and the size of the file says why.
        ("yes", 141, "y\n" * 50),
    ],
)
def test_a_dump_is_written_through_a_pipe(tmp_path, writer, code, content):
    target = tmp_path / "dump"
    done = subprocess.run(
        ["bash", "-c", databases.DUMP, "bash", "100", target, "100", "bash", "-c", writer], check=False
    )
    assert (done.returncode, target.read_text()) == (code, content)
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_process_that_keeps_the_pipe_open_does_not_keep_the_lock(tmp_path):
    command = ["bash", "-c", databases.DUMP, "bash", "100", tmp_path / "dump", "2"]
    holder = ["bash", "-c", "sleep 20 2>/dev/null &"]
    done = subprocess.run([*command, *holder], stderr=subprocess.PIPE, text=True, timeout=10, check=False)
    assert (done.returncode, done.stderr) == (1, "another process keeps the output open\n")


def test_dumps_leave_a_part_of_each_file_system_free(monkeypatch):
    def room(free, size):
        found = os.statvfs_result((4096, 4096, size >> 12, free >> 12, free >> 12, 0, 0, 0, 0, 255))
        monkeypatch.setattr(databases.os, "statvfs", lambda _path: found)
        return databases.room("/x") >> 30

    assert room(free=20 << 30, size=40 << 30) == 16
    assert room(free=50 << 30, size=1000 << 30) == 45
    assert room(free=1 << 30, size=40 << 30) == 0
