"""A backup is restored: all of it or a part, with what was there kept aside, and at any moment that it is killed."""

import json
from uuid import uuid4

import pytest
from helpers.backups import PASSWORD, STATE, back_up
from helpers.hosts import eventually
from helpers.http import Visitor
from helpers.locks import HOLDER
from helpers.module import call
from helpers.play import REPOSITORY, Play, run_play

DATA = "/srv/archive/data"
RESTORE = REPOSITORY / "playbooks/restore.yml"
# Kills the module when the file that is the first argument exists, or with a second one is gone again.
KILL = f"""{HOLDER}
path, gone = sys.argv[1], len(sys.argv) > 2
deadline = time.monotonic() + 900
def wait(look):
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.005)
wait(lambda: os.path.exists(path))
if gone:
    wait(lambda: not os.path.exists(path))
kill_holder("/run/gatehouse/locks/app-archive")
"""

# A file with a POSIX ACL that lets nginx's user write (acl(5) in the kernel's form), and with a hole of 64 MiB.
SHARED = """
import os, struct, sys
path = sys.argv[1]
entries = ((1, 6, -1), (2, 6, 33), (4, 4, -1), (16, 6, -1), (32, 0, -1))
with open(path, "w") as file:
    file.truncate(64 << 20)
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *one) for one in entries)
os.setxattr(path, "system.posix_acl_access", acl)
"""
ACL = "import os, sys; print(os.getxattr(sys.argv[1], 'system.posix_acl_access').hex())"


@pytest.fixture
def archive(address):
    return Visitor(address, "archive.example.test")


class Content:
    """What visitors and the app wrote."""

    def __init__(self, host, visitor):
        self.host, self.visitor = host, visitor

    def write(self, text):
        assert self.visitor.get(f"/add/{text}").status == 200
        self.host.check_output("runuser -u archive -- sh -c %s", f"echo {text} >{DATA}/media/upload")

    @property
    def rows(self):
        return self.visitor.get("/").json()["entries"]

    @property
    def file(self):
        return self.host.file(f"{DATA}/media/upload").content_string.strip()


@pytest.fixture
def content(host, archive, undo):
    """The app after a backup of `old`; then it wrote `new`, and changed what else there is."""
    content = Content(host, archive)
    content.old, content.new = uuid4().hex, uuid4().hex
    content.write(content.old)
    host.check_output("runuser -u archive -- ln -sfn /etc/passwd %s/link", DATA)
    host.check_output("runuser -u archive -- python3 -c %s %s/shared", SHARED, DATA)
    content.snapshot = back_up(host, "archive")["snapshot"]
    content.write(content.new)
    host.check_output("rm %s/link && runuser -u archive -- touch %s/later", DATA, DATA)
    undo(f"rm -rf {DATA}/link {DATA}/later {DATA}/shared {DATA}/media/upload /srv/archive/before-restore-*")
    return content


def restore(host, check=False, confirm="archive", **options):
    return call(host, "django_restore", check=check, app="archive", confirm=confirm, **options)


def state(host):
    return host.check_output("find /srv/archive -path '*/releases' -prune -o -printf '%%p %%U %%m %%i %%T@\n' | sort")


def test_without_a_confirmation_it_says_what_it_would_do(host, content):
    before = state(host)
    answer = restore(host, confirm="")
    assert answer["failed"]
    for said in (
        "Would replace the databases 'default' (sqlite) and the files in /srv/archive/data",
        f"snapshot {content.snapshot}",
        "-e confirm=archive. Nothing was changed.",
    ):
        assert said in answer["msg"]
    assert "this is the app 'archive'" in restore(host, confirm="ledger")["msg"]
    assert restore(host, check=True)["changed"]
    assert state(host) == before


def test_all_of_it(host, content):
    acl = host.check_output("python3 -c %s %s/shared", ACL, DATA)
    host.check_output("rm %s/shared", DATA)
    printed = run_play(RESTORE, host, app="archive", confirm="archive")
    assert content.rows[-1] == content.old
    assert content.file == content.old
    assert host.check_output("readlink %s/link", DATA) == "/etc/passwd"
    assert not host.file(f"{DATA}/later").exists
    owners = host.check_output("stat --format='%%U %%G %%a' %s %s/db.sqlite3 %s/media %s/media/upload", *[DATA] * 4)
    expected = ["archive archive 711", "archive archive 640", "archive www-data 2750", "archive www-data 644"]
    assert owners.split("\n") == expected
    assert host.check_output("python3 -c %s %s/shared", ACL, DATA) == acl
    # restic 0.14 writes the hole as zeros.
    blocks = int(host.check_output("stat --format=%%b %s/shared", DATA))
    assert blocks < 1000 or host.check_output("restic version").startswith("restic 0.14")
    # What was there: only root can enter it.
    kept = host.check_output("ls -d /srv/archive/before-restore-*")
    assert kept in printed
    assert host.file(f"{kept}/data/media/upload").content_string.strip() == content.new
    assert (host.file(kept).user, host.file(kept).mode) == ("root", 0o700)
    # The app writes on.
    text = uuid4().hex
    content.write(text)
    assert content.rows[-2:] == [content.old, text]
    history = json.loads(host.check_output("tail -n 1 /var/lib/gatehouse/history/archive.jsonl"))
    assert (history["action"], history["result"]) == ("restore", "ok")


@pytest.mark.long
def test_only_the_database(host, content):
    answer = restore(host, only="database")
    assert not answer["failed"], answer
    assert content.rows[-1] == content.old
    assert content.file == content.new
    last = "SELECT text FROM ledger_entry ORDER BY id DESC LIMIT 1"
    code = f"import sqlite3; print(*sqlite3.connect(%r).execute('{last}').fetchone())"
    kept = f"{answer['kept'][0]}/databases/default.sqlite3"
    assert host.check_output("python3 -c %s", code % kept) == content.new
    content.write(content.new)


@pytest.mark.long
def test_only_the_files(host, content):
    answer = restore(host, only="files")
    assert not answer["failed"], answer
    assert content.rows[-1] == content.new
    assert content.file == content.old
    assert not host.file(f"{answer['kept'][0]}/data/db.sqlite3").exists
    content.write(content.new)


@pytest.mark.long
def test_a_snapshot_and_a_time(host, content):
    assert content.snapshot in restore(host, confirm="", at=content.snapshot)["msg"]
    assert "no snapshot of 2001-01-01 UTC or before" in restore(host, confirm="", at="2001-01-01")["msg"]


@pytest.fixture
def all_kept(host):
    """No backup of the app is removed; afterwards, as the inventory has it."""
    options = {"password": PASSWORD, "password_kept": True}
    on_failure = "sh -c 'echo \"$GATEHOUSE_APP $GATEHOUSE_PROBLEM\" >/run/backup-failed'"
    assert not call(host, "django_backup", app="archive", backup=options | {"keep": {}})["failed"]
    # Its own time may come; the last call starts it again.
    host.check_output("systemctl stop gatehouse-backup@archive.timer")
    yield
    inventory = options | {"keep": {"daily": 2}, "on_failure": on_failure}
    assert not call(host, "django_backup", app="archive", backup=inventory)["failed"]


@pytest.mark.long
@pytest.mark.parametrize("by", ["time", "identifier"])
def test_an_older_one(host, all_kept, content, by):
    """By a time between two backups, or by its name."""
    between = host.check_output("sleep 1; date --utc '+%Y-%m-%d %H:%M:%S'; sleep 1")
    newest = back_up(host, "archive")["snapshot"]
    assert newest != content.snapshot
    content.write(uuid4().hex)
    assert f"snapshot {newest}" in restore(host, confirm="")["msg"]
    run_play(RESTORE, host, app="archive", confirm="archive", at={"time": between, "identifier": content.snapshot}[by])
    assert content.rows[-1] == content.old
    assert content.file == content.old
    assert host.check_output("readlink %s/link", DATA) == "/etc/passwd"
    # The newer one is still there.
    assert not restore(host)["failed"]
    assert content.rows[-1] == content.file == content.new


def test_data_with_which_the_app_fails_do_not_stay(host, content, undo):
    """A database that this release cannot read: the one before is live again."""
    drop = f"import sqlite3; d = sqlite3.connect('{DATA}/db.sqlite3'); d.execute('DROP TABLE ledger_entry'); d.commit()"
    host.check_output("cp -a %s/db.sqlite3 /root/whole.sqlite3", DATA)
    host.check_output("runuser -u archive -- python3 -c %s", drop)
    broken = back_up(host, "archive")["snapshot"]
    host.check_output("cp -a /root/whole.sqlite3 %s/db.sqlite3 && rm /root/whole.sqlite3", DATA)
    assert content.rows[-1] == content.new
    answer = restore(host, at=broken)
    assert answer["failed"]
    assert "The data of before the restore are live again" in answer["msg"]
    assert content.rows[-1] == content.new
    assert content.file == content.new
    assert host.run("ls -d /srv/archive/before-restore-*").rc != 0
    back_up(host, "archive")


# What the host has at each moment: a file, or one that is gone again.
MOMENTS = {
    "fetching": [f"{STATE}/archive/restore.json"],
    "stopped": ["/srv/archive/current/web.sock", "gone"],
    "exchanged": [f"{DATA}/link"],
}


@pytest.mark.parametrize(
    "moment", [*(pytest.param(one, marks=pytest.mark.long) for one in list(MOMENTS)[:2]), "exchanged"]
)
def test_a_killed_one_leaves_old_or_new_data(host, content, moment):
    play = Play(RESTORE, host, app="archive", confirm="archive")
    words = MOMENTS[moment]
    assert host.check_output("python3 -c %s " + " ".join(["%s"] * len(words)), KILL, *words) == "killed"
    assert play.finish().code != 0
    # Nothing that is served mixes them; where the app was stopped, it stays so.
    answer = content.visitor.get("/")
    if answer.status == 200:
        row = answer.json()["entries"][-1]
        assert row == content.file
        assert row in (content.old, content.new)
    causes = [finding["cause"] for finding in call(host, "django_doctor", apps=["archive"])["findings"]]
    assert any("A restore of archive was interrupted" in cause for cause in causes), causes
    again = restore(host)
    assert not again["failed"], again
    eventually(lambda: content.visitor.get("/").status == 200)
    assert content.rows[-1] == content.file == content.old
    assert not host.file(f"{STATE}/archive/restore.json").exists


def test_a_deployment_waits_for_the_end_of_a_killed_one(host, content):
    host.check_output("touch %s/archive/restore.json", STATE)
    try:
        answer = call(host, "django_rollback", app="archive")
        assert answer["failed"]
        assert "A restore of archive was interrupted" in answer["msg"]
    finally:
        host.check_output("rm %s/archive/restore.json", STATE)
