"""The way back over migrations, and a restore, of a database on another host: all of it, also when it is killed."""

import json
import signal
from uuid import uuid4

import pytest
from helpers.backups import PASSWORD, STATE, as_app, back_up
from helpers.hosts import eventually, release_of
from helpers.http import Visitor
from helpers.module import call
from helpers.play import REPOSITORY, Play
from plays import PROJECT, sql
from remote import APP, server_of
from test_way_back import ROWS, deploy, renamed

ROLLBACK, RESTORE = (REPOSITORY / f"playbooks/{name}.yml" for name in ("rollback", "restore"))
NAMES = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'away%'"
OTHERS = "SELECT datname FROM pg_database WHERE datname LIKE 'away_%'"
JOURNAL = f"{STATE}/away/restore.json"
KEPT = "SELECT datname FROM pg_database WHERE datname LIKE 'away_before_%'"


@pytest.fixture
def server(host):
    return server_of(host)


@pytest.fixture
def away(address):
    return Visitor(address, "away.example.test")


@pytest.fixture
def migrated(host, server, away, tmp_path):
    """The app after a migration that dropped a column, with the rows and the release from before it."""

    away.before = release_of(host, APP)
    assert away.get(f"/add/{uuid4().hex}").status == 200
    away.rows = sql(server, ROWS, APP)
    away.printed = deploy(host, renamed(tmp_path), APP)
    away.now = release_of(host, APP)
    for _time in range(2):
        assert away.get(f"/add/{uuid4().hex}").status == 200
    yield away
    if release_of(host, APP) == away.now:
        again(host, ROLLBACK, restore_database=True)
    for name in sql(server, OTHERS).splitlines():
        sql(server, f'DROP DATABASE "{name}"')


def rollback(host, **options):
    return Play(ROLLBACK, host, app=APP, restore_database=True, **options).finish()


@pytest.mark.long
def test_over_a_migration_that_dropped_a_column(host, server, migrated):
    assert "away: snapshot of the databases before the migrations: " in migrated.printed
    snapshot = host.check_output("ls -d /srv/away/snapshots/* | tail -n 1")
    assert (host.file(snapshot).user, host.file(snapshot).mode) == ("root", 0o700)
    assert "the playbook exchanges it there" in call(host, "django_rollback", app=APP, restore_database=True)["msg"]

    lost = "public.ledger_entry: 2 inserted, 0 changed, 0 deleted"
    refused = eventually(lambda: rollback(host), until=lambda played: lost in played.refusal)
    assert refused.code != 0
    assert f"Would put release {migrated.before} into service" in refused.refusal
    assert "-e confirm=away. Nothing was changed." in refused.refusal
    assert (release_of(host, APP), sql(server, NAMES)) == (migrated.now, "away")

    played = rollback(host, confirm=APP)
    assert played.code == 0, played.output
    assert sql(server, ROWS, APP) == migrated.rows
    assert release_of(host, APP) == migrated.before
    kept = sql(server, KEPT)
    assert f"database {kept} on {server.backend.name} (remove it there: " in played.output
    assert sql(server, "SELECT count(*) FROM ledger_entry WHERE label IS NOT NULL", kept) != "0"
    owner = f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '{kept}'"
    assert sql(server, owner) == "postgres"
    # The app writes on.
    assert migrated.get(f"/add/{uuid4().hex}").status == 200
    for unit in ("away-web", "away-worker"):
        assert host.service(unit).is_enabled
        assert host.service(unit).is_running
    history = json.loads(host.check_output("tail -n 1 /var/lib/gatehouse/history/away.jsonl"))
    assert (history["action"], history["result"]) == ("rollback", "ok")


def again(host, playbook, **options):
    """The same command, until it has done its work: once to undo, if there is something to undo."""
    let_pass(host)
    played = Play(playbook, host, app=APP, confirm=APP, **options).finish()
    if played.code:
        assert "what was interrupted is undone: the data of before are live" in played.refusal, played.output
        played = Play(playbook, host, app=APP, confirm=APP, **options).finish()
    assert played.code == 0, played.output


def let_pass(host):
    """Have the last step of a killed run end ten minutes ago."""
    host.check_output("flock /run/gatehouse/locks/app-away touch --no-create --date '10 minutes ago' %s", JOURNAL)


def wait_for_the_end(host, finding):
    """What a killed controller has started on the host goes on, and holds the app's lock until it ends."""
    eventually(lambda: finding in str(call(host, "django_doctor", apps=[APP])["findings"]), 60)


def exchanged(server):
    return sql(server, KEPT) != ""


MOMENTS = {
    "loading": lambda host, server, _before: "away_restored" in sql(server, NAMES),
    "stopped": lambda host, server, _before: not host.file("/srv/away/current/web.sock").exists,
    "exchanged": lambda host, server, _before: exchanged(server),
    "switched": lambda host, server, before: release_of(host, APP) == before,
}


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_one_leaves_old_or_new(host, server, migrated, moment):
    play = Play(ROLLBACK, host, app=APP, restore_database=True, confirm=APP)
    eventually(lambda: MOMENTS[moment](host, server, migrated.before), 120)
    play.process.kill()
    play.finish()
    answer = migrated.get("/")
    if answer.status == 200:
        found = answer.json()
        assert found["release"] in (migrated.now, migrated.before)
        assert exchanged(server) == (found["release"] == migrated.before)
    wait_for_the_end(host, "A rollback of the database of away was interrupted")
    assert "was interrupted. Finish it, or undo it" in rollback(host).refusal
    if moment == "stopped":
        host.check_output("touch --no-create %s", JOURNAL)
        assert " works on " in rollback(host, confirm=APP).refusal
    again(host, ROLLBACK, restore_database=True)
    eventually(lambda: migrated.get("/").status == 200)
    assert (release_of(host, APP), sql(server, ROWS, APP)) == (migrated.before, migrated.rows)
    assert not host.file(JOURNAL).exists
    assert "away_restored" not in sql(server, NAMES)
    assert host.service("away-web").is_enabled
    # A second run does not go back further.
    assert "changed=0" in rollback(host, confirm=APP).output


@pytest.mark.long
def test_a_release_that_does_not_start_is_undone(host, server, migrated, undo):
    path = f"/srv/away/releases/{migrated.before}/src/ledger/wsgi.py"
    undo(f"mv {path}.away {path}")
    host.check_output("mv %s %s.away", path, path)
    rows = sql(server, "SELECT count(*) FROM ledger_entry", APP)
    played = rollback(host, confirm=APP)
    assert played.code != 0
    assert "The data of before are live." in played.refusal
    undone = sql(server, OTHERS)
    assert undone.startswith("away_undone_")
    assert f"database {undone} on {server.backend.name} (remove it there: " in played.refusal
    assert release_of(host, APP) == migrated.now
    assert sql(server, "SELECT count(*) FROM ledger_entry", APP) == rows
    eventually(lambda: migrated.get("/").status == 200)
    assert not host.file(JOURNAL).exists
    assert host.service("away-web").is_enabled


@pytest.mark.long
def test_a_run_that_was_frozen_leaves_what_another_has_ended(host, server, migrated):
    frozen = Play(ROLLBACK, host, app=APP, restore_database=True, confirm=APP)
    eventually(lambda: exchanged(server), 120)
    frozen.process.send_signal(signal.SIGSTOP)
    try:
        again(host, ROLLBACK, restore_database=True)
        assert migrated.get(f"/add/{uuid4().hex}").status == 200
        rows, names = sql(server, ROWS, APP), sql(server, NAMES)
    finally:
        frozen.process.send_signal(signal.SIGCONT)
    played = frozen.finish()
    assert played.code != 0
    assert "Another run has ended this one" in played.output
    assert (release_of(host, APP), sql(server, ROWS, APP), sql(server, NAMES)) == (migrated.before, rows, names)
    assert migrated.get("/").status == 200


@pytest.fixture
def kept_data(host, server, away, undo):
    """The app with a backup of one row and a file; then it wrote more."""
    undo("rm -rf /srv/away/before-restore-* /srv/away/data/upload")
    deploy(host, PROJECT, APP, backup={"password": PASSWORD, "password_kept": True})
    # Its own time may come; the last deployment starts it again.
    host.check_output("systemctl stop gatehouse-backup@away.timer")
    as_app(host, APP, "echo old >/srv/away/data/upload")
    away.old, away.new = uuid4().hex, uuid4().hex
    assert away.get(f"/add/{away.old}").status == 200
    away.rows = sql(server, ROWS, APP)
    back_up(host, APP)
    assert away.get(f"/add/{away.new}").status == 200
    as_app(host, APP, "echo new >/srv/away/data/upload")
    yield away
    for name in sql(server, KEPT).splitlines():
        sql(server, f'DROP DATABASE "{name}"')
    deploy(host, PROJECT, APP)


@pytest.mark.long
def test_a_restore_of_all(host, server, kept_data):
    refused = Play(RESTORE, host, app=APP).finish()
    assert "Would replace the databases 'default' (postgresql) and the files in /srv/away/data" in refused.refusal
    assert "-e confirm=away. Nothing was changed." in refused.refusal
    checked = Play(RESTORE, host, app=APP, confirm=APP, check=True).finish()
    assert (checked.code, sql(server, NAMES)) == (0, "away")
    played = Play(RESTORE, host, app=APP, confirm=APP).finish()
    assert played.code == 0, played.output
    assert sql(server, ROWS, APP) == kept_data.rows
    assert host.file("/srv/away/data/upload").content_string == "old\n"
    kept = host.check_output("ls -d /srv/away/before-restore-*")
    assert host.file(f"{kept}/data/upload").content_string == "new\n"
    for place in (kept, f"database {sql(server, KEPT)} on {server.backend.name}"):
        assert place in played.output
    assert kept_data.get(f"/add/{uuid4().hex}").status == 200


INTERRUPTED = "A restore of away was interrupted"
SOCKET = "/srv/away/current/web.sock"
RESTORE_MOMENTS = {
    "begun": lambda host, _server: host.file(JOURNAL).exists,
    "loading": lambda _host, server: "away_restored" in sql(server, NAMES),
    "stopped": lambda host, _server: not host.file(SOCKET).exists,
    "exchanged": lambda _host, server: exchanged(server),
    "started": lambda host, server: exchanged(server) and host.file(SOCKET).exists,
}


@pytest.mark.long
@pytest.mark.parametrize("only", ["database", "all"])
@pytest.mark.parametrize("moment", RESTORE_MOMENTS)
def test_a_killed_restore_of_the_database(host, server, kept_data, moment, only):
    play = Play(RESTORE, host, app=APP, confirm=APP, only=only)
    eventually(lambda: RESTORE_MOMENTS[moment](host, server), 120)
    play.process.kill()
    play.finish()
    answer = kept_data.get("/")
    if answer.status == 200:
        assert answer.json()["entries"][-1] == (kept_data.old if exchanged(server) else kept_data.new)
    # A step that was under way goes on; the last one ends the restore.
    findings = eventually(
        lambda: host.file(JOURNAL).exists and str(call(host, "django_doctor", apps=[APP])["findings"]),
        until=lambda found: not found or INTERRUPTED in found,
    )
    if findings:
        again(host, RESTORE, only=only)
    else:
        assert moment == "started"
    eventually(lambda: kept_data.get("/").status == 200)
    assert sql(server, ROWS, APP) == kept_data.rows
    upload = "old" if only == "all" else "new"
    assert host.file("/srv/away/data/upload").content_string.strip() == upload
    assert not host.file(JOURNAL).exists
    assert "away_restored" not in sql(server, NAMES)
    assert host.service("away-web").is_enabled
    assert kept_data.get(f"/add/{uuid4().hex}").status == 200
