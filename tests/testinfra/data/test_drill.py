"""A drill restores the last backup beside the live data and proves it; an operator does the same to look into it."""

import json
from uuid import uuid4

import pytest
from helpers.backups import STATE, back_up
from helpers.hosts import eventually
from helpers.http import Visitor
from helpers.module import call
from helpers.play import REPOSITORY, run_play
from plays import sql

PROGRAM = "/usr/local/lib/gatehouse/backup/gatehouse-backup"
# What the user for copies can do beside a copy, in the unit of a drill.
BESIDE = """
import socket, sys
sys.path.insert(0, "/usr/local/lib/gatehouse/backup")
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import choice, drill
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import Place
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import systemd_run
app = App(sys.argv.pop(1))
beside = drill.Beside(Place(app), "drill", drill.UNIT)
repository = drill.Repository(beside.place)
snapshot = choice.choose(repository.snapshots(), "newest", socket.gethostname())
beside.make(repository, snapshot["id"], choice.manifest(repository, snapshot, app.name), "database")
try:
    work = beside.inside()
    with work._variables_for(app.current()):
        for command in sys.argv[1:]:
            unit = systemd_run(work.properties(app.current()))
            print(run_bounded([*unit, "sh", "-c", command])[0])
finally:
    beside.remove()
"""
REACHES = {
    "psql -c 'SELECT 1' ledger-copy-drill": True,
    "psql -c 'SELECT 1' ledger": False,
    "psql -h 127.0.0.1 -c 'SELECT 1' ledger": False,
    "test -r /run/valkey-ledger-broker/valkey.sock": False,
    "touch /srv/ledger/data/new": True,
    "test -e /srv/ledger/data/media": False,
    "ls /srv/ledger/copies": False,
    "touch /srv/ledger/new": False,
    "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 80), 2)'": False,
}


class Shop:
    """One of the scenario's apps: what its visitors wrote, and what its drills leave on the host."""

    def __init__(self, host, visitor, name):
        self.host, self.visitor, self.name = host, visitor, name

    def write(self):
        text = uuid4().hex
        assert self.visitor.get(f"/add/{text}").status == 200
        return text

    @property
    def rows(self):
        return self.visitor.get("/").json()["entries"]

    @property
    def left(self):
        """What no drill leaves: files, databases, processes."""
        places = (f"/srv/{self.name}/copies/*", f"{STATE}/{self.name}/copy-*", f"/run/gatehouse-{self.name}-*")
        there = self.host.run(f"ls -d {' '.join(places)}")
        copies = "SELECT datname FROM pg_database WHERE datname LIKE '%-copy%'"
        return [*there.stdout.split(), *sql(self.host, copies).split(), *self.processes.split()]

    @property
    def processes(self):
        return self.host.run("pgrep -u %s-copy", self.name).stdout

    def drill(self):
        return self.host.run("systemctl start gatehouse-drill@%s", self.name)

    @property
    def record(self):
        return json.loads(self.host.check_output("cat %s/%s/drill.json", STATE, self.name))

    @property
    def last(self):
        return self.record["last"]

    def back_up_with(self, **changes):
        """Another snapshot like the last one, with *changes* of its manifest."""
        script = (
            "set -e; rm -rf /root/look; export RESTIC_PASSWORD_FILE=$1/password RESTIC_REPOSITORY=$2; "
            "restic restore --quiet --no-cache latest --target /root/look; cd /root/look; "
            'python3 -c \'import json, sys; found = json.load(open("manifest.json")); '
            'json.dump(found | json.loads(sys.argv[1]), open("manifest.json", "w"))\' "$3"; '
            'restic backup --quiet --no-cache --tag "$4" --host "$(hostname)" .; rm -rf /root/look'
        )
        repository = f"/var/backups/gatehouse/{self.name}"
        words = [script, f"{STATE}/{self.name}", repository, json.dumps(changes), self.name]
        self.host.check_output("sh -c %s sh %s %s %s %s", *words)


@pytest.fixture
def shop(host, address, request):
    name = getattr(request, "param", "ledger")
    return Shop(host, Visitor(address, f"{name}.example.test"), name)


on_archive = pytest.mark.parametrize("shop", ["archive"], indirect=True)
on_both = pytest.mark.parametrize("shop", ["ledger", pytest.param("archive", marks=pytest.mark.long)], indirect=True)


@on_both
def test_a_drill_proves_the_last_backup(host, shop):
    shop.write()
    made = back_up(host, shop.name)
    counted = len(shop.rows)
    later = shop.write()
    done = shop.drill()
    assert done.rc == 0, host.check_output("journalctl -n 30 -u gatehouse-drill@%s", shop.name)
    last = shop.last
    assert (last["result"], last["snapshot"], last["notes"], last["lacking"]) == ("ok", made["snapshot"], [], [])
    assert last["release"] == last["recorded"] == shop.visitor.get("/").json()["release"]
    assert last["rows"] > counted
    assert 0 < last["restore"] < last["seconds"]
    assert shop.rows[-1] == later
    assert shop.left == []
    shown = run_play(REPOSITORY / "playbooks/status.yml", host, app=shop.name)
    assert f"snapshot {made['snapshot']}, {last['rows']} rows in {last['tables']} tables" in shown


@on_archive
def test_a_backup_is_restored_beside_the_live_data(host, shop, undo):
    """A second command removes it. None of it needs a confirmation."""
    undo("rm -f /srv/archive/data/media/upload")
    host.check_output("runuser -u archive -- sh -c 'echo old >/srv/archive/data/media/upload'")
    old = shop.write()
    back_up(host, "archive")
    host.check_output("runuser -u archive -- sh -c 'echo new >/srv/archive/data/media/upload'")
    new = shop.write()
    listing = "find /srv/archive/data -printf '%%p %%i %%U %%m %%s\\n' | sort; sha256sum /srv/archive/data/db.sqlite3"
    before = host.check_output(listing)
    answer = call(host, "django_restore", app="archive", into="scratch")
    assert not answer["failed"], answer
    assert host.check_output(listing) == before
    database, files = (line.rpartition(" ")[2] for line in answer["look"])
    last = "SELECT text FROM ledger_entry ORDER BY id DESC LIMIT 1"
    code = f"import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('{last}').fetchone())"
    assert host.check_output("runuser -u archive-copy -- python3 -c %s %s", code, database) == old
    assert host.check_output("cat %s/media/upload", files) == "old"
    assert host.run("setpriv --reuid=archive --regid=archive --clear-groups ls %s", files).rc != 0
    assert shop.rows[-1] == new
    removed = call(host, "django_restore", app="archive", into="scratch", state="absent")
    assert (removed["failed"], removed["changed"]) == (False, True), removed
    assert shop.left == []
    assert host.check_output(listing) == before


@pytest.mark.long
def test_a_database_is_restored_beside_the_live_one(host, shop, undo):
    """By the playbook, which says how to look into it."""
    undo("systemctl reset-failed 'gatehouse-drill*'")
    old = shop.write()
    back_up(host, "ledger")
    shop.write()
    restore = REPOSITORY / "playbooks/restore.yml"
    printed = run_play(restore, host, app="ledger", into="scratch", only="database")
    assert "runuser -u ledger-copy -- psql ledger-copy-restore" in printed
    last = "SELECT text FROM ledger_entry ORDER BY id DESC LIMIT 1"
    assert host.check_output("runuser -u ledger-copy -- psql -Atc %s ledger-copy-restore", last) == old
    for user, database in (("ledger-copy", "ledger"), ("ledger", "ledger-copy-restore")):
        assert "permission denied" in host.run("runuser -u %s -- psql -c 'SELECT 1' %s", user, database).stderr
    status = run_play(REPOSITORY / "playbooks/status.yml", host, app="ledger")
    assert "is restored beside the live data since" in status
    # A drill leaves it.
    assert shop.drill().rc == 0
    assert sql(host, last, "ledger-copy-restore") == old
    run_play(restore, host, app="ledger", into="scratch", state="absent")
    assert shop.left == []
    assert "ledger has no copy" in run_play(restore, host, app="ledger", into="scratch", state="absent")
    assert "add into=scratch" in call(host, "django_restore", app="ledger", state="absent")["msg"]


@pytest.mark.long
def test_what_runs_beside_a_copy_reaches_no_live_data(host, shop):
    found = host.check_output("python3 -c %s ledger" + " %s" * len(REACHES), BESIDE, *REACHES).split("\n")
    reached = {command: code == "0" for command, code in zip(REACHES, found, strict=True)}
    assert reached == REACHES
    assert not host.file("/srv/ledger/data/new").exists
    assert shop.left == []


@pytest.mark.long
@on_archive
def test_a_backup_that_is_not_what_it_recorded_is_told(host, shop, undo):
    undo("systemctl reset-failed 'gatehouse-drill*'")
    undo("systemctl start gatehouse-backup@archive")
    host.check_output("rm -f /run/backup-failed")
    shop.write()
    back_up(host, "archive")
    rows = {"ledger_entry": 1 + len(shop.rows), "django_migrations": 15}
    database = {"alias": "default", "vendor": "sqlite", "name": "x", "path": "db.sqlite3", "rows": rows}
    shop.back_up_with(databases=[database])
    assert shop.drill().rc != 0
    assert shop.last["result"] == "failed"
    said = f"ledger_entry has {len(shop.rows)}, not {1 + len(shop.rows)}"
    assert said in shop.last["problem"]
    assert shop.left == []
    told = eventually(lambda: host.run("cat /run/backup-failed").stdout)
    assert told.startswith("archive the drill of the backup: DATABASES['default']: the rows differ")
    causes = [finding["cause"] for finding in call(host, "django_doctor", apps=["archive"])["findings"]]
    assert any("The drill of the backup of archive of" in cause and said in cause for cause in causes), causes


@pytest.mark.long
def test_a_backup_that_lacks_a_migration_of_its_release(host, shop, undo):
    undo("systemctl reset-failed 'gatehouse-drill*'")
    undo("systemctl start gatehouse-backup@ledger")
    name = "0012_alter_user_first_name_max_length"
    rename = f"UPDATE django_migrations SET app = '%s' WHERE app = '%s' AND name = '{name}'"
    sql(host, rename % ("gone", "auth"), "ledger")
    try:
        back_up(host, "ledger")
    finally:
        sql(host, rename % ("auth", "gone"), "ledger")
    assert shop.drill().rc != 0
    assert f"which was served, has migrations that it lacks: auth.{name}" in shop.last["problem"]
    assert shop.left == []


@pytest.mark.long
def test_a_release_that_is_gone_is_replaced_by_the_one_that_is_served(host, shop, undo):
    undo("systemctl start gatehouse-backup@ledger")
    back_up(host, "ledger")
    shop.back_up_with(release="gone-1")
    assert shop.drill().rc == 0
    assert (shop.last["recorded"], shop.last["result"]) == ("gone-1", "ok")
    served = shop.visitor.get("/").json()["release"]
    said = host.check_output("journalctl --output=cat -n 20 -u gatehouse-drill@ledger")
    assert f"release {served} (that of the backup, gone-1, is not on the host any more)" in said


@pytest.mark.long
def test_a_live_database_that_the_copys_role_could_reach_is_refused(host, shop, undo):
    undo("systemctl reset-failed 'gatehouse-drill*'")
    back_up(host, "ledger")
    sql(host, "GRANT CONNECT ON DATABASE ledger TO PUBLIC")
    try:
        assert shop.drill().rc != 0
        assert 'REVOKE CONNECT ON DATABASE "ledger" FROM PUBLIC' in shop.last["problem"]
    finally:
        sql(host, "REVOKE CONNECT ON DATABASE ledger FROM PUBLIC")
    assert shop.left == []


@pytest.mark.long
def test_no_database_of_others_is_dropped(host, shop, undo):
    """Of the name of a copy, made by an operator."""
    undo("systemctl reset-failed 'gatehouse-drill*'")
    undo('cd / && runuser -u postgres -- dropdb --if-exists "ledger-copy-drill"')
    back_up(host, "ledger")
    sql(host, 'CREATE DATABASE "ledger-copy-drill"')
    sql(host, "CREATE TABLE public.notes AS SELECT 'kept' AS text", "ledger-copy-drill")
    assert shop.drill().rc != 0
    assert "'ledger-copy-drill' (of 'postgres') is in the way" in shop.last["problem"]
    assert sql(host, "SELECT text FROM notes", "ledger-copy-drill") == "kept"


@pytest.mark.long
def test_no_drills(host, undo):
    options = {"password": "a-backup-password-for-throwaway-hosts", "password_kept": True}
    undo("systemctl daemon-reload")
    try:
        changes = [call(host, "django_backup", app="ledger", backup=options | {"drill": "never"}) for _time in range(2)]
        assert [one["changed"] for one in changes] == [True, False]
        assert "gatehouse-drill@ledger" not in host.check_output("systemctl list-timers --all")
    finally:
        assert not call(host, "django_backup", app="ledger", backup=options)["failed"]
    assert "gatehouse-drill@ledger" in host.check_output("systemctl list-timers --all")


@pytest.mark.long
@pytest.mark.parametrize("shop", ["ledger", "archive"], indirect=True)
def test_killed_at_any_moment_it_harms_nothing(host, shop):
    """Without the end of its unit, which would tidy up: the next drill does."""
    later = shop.write()
    back_up(host, shop.name)
    before = shop.rows
    assert shop.drill().rc == 0
    moments, killed = 12, 0
    for number in range(moments):
        seconds = shop.record["success"]["seconds"] * (number + 0.5) / moments
        killed += host.run("timeout --signal=KILL %s %s drill %s", str(seconds), PROGRAM, shop.name).rc == 137
        assert shop.rows == before
        if number % 3 == 2:
            # Also while what the killed one has started goes on.
            assert shop.drill().rc == 0, host.check_output("journalctl -n 30 -u gatehouse-drill@%s", shop.name)
            eventually(lambda: shop.left, until=lambda left: left == [])
    # The others had ended: how long a drill takes differs with the load of the host.
    assert killed >= moments // 2
    assert shop.rows[-1] == later


@pytest.mark.long
def test_the_unit_of_a_killed_one_leaves_nothing(host, shop):
    back_up(host, "ledger")
    host.check_output("systemctl start --no-block gatehouse-drill@ledger")
    eventually(lambda: "ledger-copy-drill" in shop.left)
    host.check_output("systemctl kill --signal=KILL gatehouse-drill@ledger")
    eventually(lambda: shop.left, until=lambda left: left == [])
    assert shop.last["result"] == "running"
    causes = [finding["cause"] for finding in call(host, "django_doctor", apps=["ledger"])["findings"]]
    assert any("was interrupted: it was killed" in cause for cause in causes), causes
    host.check_output("systemctl reset-failed 'gatehouse-drill*'")
    assert shop.drill().rc == 0
