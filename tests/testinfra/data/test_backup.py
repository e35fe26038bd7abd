"""The daily backup of an app with SQLite and files: what is in it, who may read it, and what is told of a failure."""

import json
from uuid import uuid4

import pytest
from helpers.backups import PASSWORD, STATE, back_up, record, restic, service
from helpers.http import Visitor
from helpers.module import call
from helpers.play import REPOSITORY, run_play

DATA = "/srv/archive/data"
MODULES = "/usr/local/lib/gatehouse/backup"
# Reads below a link of the app, as restic would after the app has put it in the place of a directory.
THROUGH_A_LINK = f"""
import sys
sys.path.insert(0, "{MODULES}")
from pathlib import Path
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup.view import data_of
view = Path("/run/view/data")
with data_of(App("archive"), view):
    print((view / "link").readlink(), (view / "media/upload").read_text())
    for path in ("link/shadow", "media/new"):
        try:
            (view / path).open("r" if path.startswith("link") else "w")
        except OSError as error:
            print(error.strerror)
"""
# Notes each command line on the host that has the password until the service has ended.
WATCH = """
import glob, subprocess, sys
password, unit = sys.argv[1].encode(), sys.argv[2]
subprocess.run(["systemctl", "start", "--no-block", unit], check=True)
seen, looks = set(), 0
while looks < 5 or subprocess.run(["systemctl", "is-active", "--quiet", unit]).returncode == 0 or b"activating" in \\
        subprocess.run(["systemctl", "is-active", unit], stdout=subprocess.PIPE).stdout:
    looks += 1
    for name in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(name, "rb") as file:
                text = file.read()
        except OSError:
            continue
        if b"restic" in text:
            seen.add("restic")
        if password in text and b"sys.argv[1].encode" not in text:
            seen.add(text)
print(seen)
"""


@pytest.fixture
def archive(address):
    return Visitor(address, "archive.example.test")


@pytest.fixture
def backup(host, archive, undo):
    """A backup with a row, a file and a link of the app's."""
    text = uuid4().hex
    assert archive.get(f"/add/{text}").status == 200
    host.check_output("runuser -u archive -- sh -c %s", f"echo {text} >{DATA}/media/upload; ln -sfn /etc {DATA}/link")
    undo(f"rm -f {DATA}/link {DATA}/media/upload")
    return text, back_up(host, "archive")


def test_one_snapshot_has_the_database_the_files_and_the_release(host, archive, backup):
    text, made = backup
    names = restic(host, "archive", "ls", made["snapshot"]).splitlines()
    assert {"/manifest.json", "/databases/default.sqlite3", "/data/media/upload", "/data/link"} <= set(names)
    # The live files of the database, and what is behind the link.
    assert [name for name in names if name.startswith(("/data/db.sqlite3", "/data/link/"))] == []
    manifest = json.loads(restic(host, "archive", "dump", made["snapshot"], "/manifest.json"))
    assert manifest["release"] == archive.get("/").json()["release"]
    (database,) = manifest["databases"]
    assert database["rows"]["ledger_entry"] == len(archive.get("/").json()["entries"])
    restic(host, "archive", "restore", made["snapshot"], "--target", "/root/look")
    code = "import sqlite3; print(*sqlite3.connect('/root/look/databases/default.sqlite3').execute(%r).fetchone())"
    asked = code % f"SELECT count(*) FROM ledger_entry WHERE text = '{text}'"
    assert host.check_output("python3 -c %s", asked) == "1"
    assert host.check_output("readlink /root/look/data/link") == "/etc"
    host.check_output("rm -r /root/look")


def test_the_copy_of_the_database_does_not_stay(host, backup):
    assert host.check_output("find /srv/archive/data %s/archive -name '*.sqlite3' -o -name '.gatehouse-*'", STATE) == (
        f"{DATA}/db.sqlite3"
    )


def test_only_root_can_read_it(host, backup):
    for path in (f"{STATE}/archive", "/var/backups/gatehouse"):
        assert host.run("setpriv --reuid=archive --regid=archive --clear-groups ls %s", path).rc != 0, path
    assert host.file(f"{STATE}/archive/password").mode == 0o600


def test_the_password_is_in_no_command_line_and_no_log(host):
    seen = host.check_output("python3 -c %s %s %s", WATCH, PASSWORD, service("archive"))
    assert seen == "{'restic'}"
    assert record(host, "archive")["last"]["result"] == "ok"
    assert (
        host.check_output("journalctl --no-pager --output=cat | grep --count --fixed-strings %s || true", PASSWORD)
        == "0"
    )


def test_restic_follows_no_link_and_writes_nothing(host, backup):
    text, _made = backup
    out = host.check_output(
        "systemd-run --quiet --wait --pipe --collect -p PrivateMounts=yes python3 -B -c %s", THROUGH_A_LINK
    )
    assert out.split("\n") == [f"/etc {text}", "", "Too many levels of symbolic links", "Read-only file system"]


@pytest.mark.long
def test_old_ones_go(host, backup):
    for _time in range(2):
        back_up(host, "archive")
    # The last one of the day. Newer versions of restic keep the first one as well, while there are not enough days.
    assert len(json.loads(restic(host, "archive", "snapshots", "--json"))) <= 2


def test_a_failure_is_told(host, backup, undo):
    repository = "/var/backups/gatehouse/archive"
    host.check_output("rm -f /run/backup-failed && mv %s %s.away", repository, repository)
    undo(f"systemctl start {service('archive')}")
    undo(f"rm -rf {repository}; mv {repository}.away {repository}; systemctl reset-failed 'gatehouse-backup*'")
    assert host.run("systemctl start %s", service("archive")).rc != 0
    last = record(host, "archive")["last"]
    assert last["result"] == "failed"
    assert "repository" in last["problem"]
    told = "for i in $(seq 50); do [ -s /run/backup-failed ] && break; sleep 0.1; done; cat /run/backup-failed"
    assert host.check_output(told).startswith("archive restic backup failed on /var/backups/gatehouse/archive")
    causes = [finding["cause"] for finding in call(host, "django_doctor", apps=["archive"])["findings"]]
    assert any(f"The backup of archive of {last['began']} failed" in cause for cause in causes), causes
    shown = run_play(REPOSITORY / "playbooks/status.yml", host, app="archive")
    assert "failed: restic backup failed on" in shown


def test_a_killed_one_harms_nothing(host, archive, backup):
    before = archive.get("/").json()["entries"]
    host.check_output("systemctl start --no-block %s", service("archive"))
    wait = 'until grep -q \'"result": "running"\' %s/archive/record.json; do sleep 0.02; done'
    host.check_output(f"{wait}; systemctl kill --signal=KILL %s", STATE, service("archive"))
    host.check_output("while systemctl is-active --quiet %s; do sleep 0.1; done", service("archive"))
    shown = run_play(REPOSITORY / "playbooks/status.yml", host, app="archive")
    assert "interrupted: it was killed" in shown
    assert archive.get("/").json()["entries"] == before
    assert back_up(host, "archive")["result"] == "ok"


@pytest.fixture
def options():
    """The options of the inventory."""
    return {
        "password": PASSWORD,
        "password_kept": True,
        "keep": {"daily": 2},
        "on_failure": "sh -c 'echo \"$GATEHOUSE_APP $GATEHOUSE_PROBLEM\" >/run/backup-failed'",
    }


def test_a_second_run_changes_nothing(host, options):
    answer = call(host, "django_backup", app="archive", backup=options)
    assert (answer["failed"], answer["changed"]) == (False, False), answer


@pytest.mark.long
def test_another_password_is_that_of_the_repository(host, options, backup):
    new = "another-password-for-throwaway-hosts"
    changed = call(host, "django_backup", app="archive", backup=options | {"password": new})
    assert changed["changed"], changed
    assert new not in changed["printed"]
    assert back_up(host, "archive")["result"] == "ok"
    back = call(host, "django_backup", app="archive", backup=options)
    assert back["changed"], back
    assert len(json.loads(restic(host, "archive", "key", "list", "--json"))) == 1


def test_a_wrong_target_is_refused_at_once(host, options, undo):
    undo(f"systemctl start {service('archive')}")
    bad = call(host, "django_backup", app="archive", backup=options | {"to": "sftp:nobody@localhost:/backups"})
    assert bad["failed"]
    assert "sftp:nobody@localhost:/backups cannot be opened" in bad["msg"]
    assert PASSWORD not in bad["printed"]
    assert not call(host, "django_backup", app="archive", backup=options)["failed"]


def test_the_warning_ends_when_a_copy_is_kept(host, options):
    warned = call(host, "django_backup", check=True, app="archive", backup=options | {"password_kept": False})
    assert "set 'password_kept: true'" in warned["printed"]
    assert not warned["changed"]


def test_ending_them_keeps_what_there_is(host, options, undo):
    assert call(host, "django_backup", check=True, app="archive", state="absent")["changed"]
    assert call(host, "django_backup", app="archive", state="absent")["changed"]
    assert not call(host, "django_backup", app="archive", state="absent")["changed"]
    assert host.run("systemctl list-timers --all | grep gatehouse-backup@archive").rc != 0
    assert host.file("/var/backups/gatehouse/archive/config").exists
    assert call(host, "django_backup", app="archive", backup=options)["changed"]
