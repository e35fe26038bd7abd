"""The way back over migrations, and a restore, of a database on another host: all of it, also when it is killed."""

import json
from uuid import uuid4

import pytest
from helpers.hosts import eventually, release_of
from helpers.http import Visitor
from helpers.module import call
from helpers.play import REPOSITORY, Play
from plays import sql
from remote import APP, server_of
from test_way_back import ROWS, deploy, renamed

ROLLBACK, RESTORE = (REPOSITORY / f"playbooks/{name}.yml" for name in ("rollback", "restore"))
NAMES = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'away%'"
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
    for name in sql(server, KEPT).splitlines():
        sql(server, f'DROP DATABASE "{name}"')


def rollback(host, **options):
    return Play(ROLLBACK, host, app=APP, restore_database=True, **options).finish()


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
    # A second run does not go back further.
    assert "changed=0" in rollback(host, confirm=APP).output
