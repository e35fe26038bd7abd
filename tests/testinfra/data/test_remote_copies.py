"""A database on another host is copied on a server of the app's host, made for copies alone: nothing of it stays."""

import pytest
from helpers.backups import back_up
from helpers.hosts import eventually, release_of
from helpers.http import Visitor
from helpers.play import REPOSITORY, run_play
from plays import sql, start_deploy
from remote import APP, server_of
from test_drill import BESIDE, Shop
from test_rehearsal import COLUMNS, RENAME, REWRITE, variant

SERVERS = "systemctl list-units --all --plain --no-legend 'gatehouse-*-server@away.service'"
LAST = "SELECT text FROM ledger_entry ORDER BY id DESC LIMIT 1"
# What the user for copies can do beside a copy, in the unit of a drill.
REACHES = {
    "psql -c 'SELECT 1' away-copy-drill": True,
    # The host has a cluster with a database of this name, and the other host has one of the second name.
    "psql -c 'SELECT 1' ledger": False,
    "psql -c 'SELECT 1' away": False,
    "psql -c \"COPY (SELECT 1) TO PROGRAM 'true'\" away-copy-drill": False,
    "cat /run/postgresql/../../srv/away/copies/drill-server/data/PG_VERSION": False,
    "psql -h {server} -c 'SELECT 1' away": False,
}


@pytest.fixture
def server(host):
    return server_of(host)


@pytest.fixture
def away(host, address):
    return Shop(host, Visitor(address, "away.example.test"), APP)


def assert_nothing_is_left(away, server):
    assert away.left == []
    assert away.host.run(SERVERS).stdout == ""
    assert sql(server, "SELECT datname FROM pg_database WHERE datname LIKE '%-copy%'") == ""
    assert sql(server, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'away-copy%'") == ""


def test_a_drill_proves_the_backup(host, server, away):
    away.write()
    made = back_up(host, APP)
    rows = int(sql(server, "SELECT count(*) FROM ledger_entry", APP))
    away.write()
    done = away.drill()
    assert done.rc == 0, host.check_output("journalctl -n 30 -u gatehouse-drill@away")
    last = away.last
    assert (last["result"], last["snapshot"], last["notes"], last["lacking"]) == ("ok", made["snapshot"], [], [])
    assert last["rows"] > rows
    assert_nothing_is_left(away, server)


@pytest.mark.long
def test_a_backup_that_is_not_what_it_recorded_is_told(host, server, away, undo):
    undo("systemctl reset-failed 'gatehouse-drill*'; systemctl start gatehouse-backup@away")
    back_up(host, APP)
    database = {"alias": "default", "vendor": "postgresql", "name": "away", "file": "default.pgdump", "host": "x"}
    away.back_up_with(databases=[database | {"version": "15.1", "rows": {"public.ledger_entry": 0}}])
    assert away.drill().rc != 0
    assert "the rows differ from those of the backup" in away.last["problem"]
    away.back_up_with(databases=[database | {"version": "99.1", "rows": {}}])
    assert away.drill().rc == 0
    (note,) = away.last["notes"]
    assert "a copy needs the programs of PostgreSQL's server on this host, which has only those of version" in note
    assert "install postgresql-99" in note
    assert_nothing_is_left(away, server)


@pytest.mark.long
def test_a_backup_is_restored_beside_the_live_data(host, server, away):
    old = away.write()
    back_up(host, APP)
    new = away.write()
    restore = REPOSITORY / "playbooks/restore.yml"
    printed = run_play(restore, host, app=APP, into="scratch", only="database")
    command = "runuser -u away-copy -- psql --host=/srv/away/copies/restore-server/socket away-copy-restore"
    assert command in printed
    assert host.check_output(f"cd / && {command} -Atc %s", LAST) == old
    assert sql(server, LAST, APP) == new
    # A drill leaves it.
    assert away.drill().rc == 0
    assert host.check_output(f"cd / && {command} -Atc %s", LAST) == old
    run_play(restore, host, app=APP, into="scratch", state="absent")
    assert_nothing_is_left(away, server)


@pytest.mark.long
def test_what_runs_beside_a_copy_reaches_no_other_database(host, server, away):
    back_up(host, APP)
    address = server.interface("eth0").addresses[0]
    commands = [command.format(server=address) for command in REACHES]
    found = host.check_output("python3 -c %s away" + " %s" * len(commands), BESIDE, *commands).split("\n")
    assert dict(zip(REACHES, [code == "0" for code in found], strict=True)) == REACHES
    assert_nothing_is_left(away, server)


@pytest.mark.long
@pytest.mark.parametrize("moment", ["data/PG_VERSION", "socket/.s.PGSQL.5432"])
def test_a_killed_drill_leaves_nothing(host, server, away, undo, moment):
    undo("systemctl reset-failed 'gatehouse-drill*'")
    back_up(host, APP)
    host.check_output("systemctl start --no-block gatehouse-drill@away")
    eventually(lambda: host.file(f"/srv/away/copies/drill-server/{moment}").exists, 120)
    host.check_output("systemctl kill --signal=KILL gatehouse-drill@away")
    eventually(lambda: host.run("systemctl is-failed gatehouse-drill@away").rc == 0)
    eventually(lambda: not away.left and not host.run(SERVERS).stdout)
    assert_nothing_is_left(away, server)
    assert away.drill().rc == 0


@pytest.mark.long
def test_migrations_are_rehearsed(host, server, away, tmp_path):
    """Locks, rewritten tables, the way back and pages, as of a database of the host."""
    away.visitor.get("/remembered")
    before = release_of(host, APP), sql(server, COLUMNS, APP)
    project, name = variant(tmp_path, operations=REWRITE + RENAME)
    rehearse = {"refuse_locks_over": "1s", "refuse_new_errors": True}
    played = start_deploy(host, project, APP, rehearse=rehearse).finish()
    assert played.code != 0, played.output
    assert f"{name} holds ACCESS EXCLUSIVE on ledger_entry for 2." in played.refusal
    assert "; rewrites ledger_entry\n" in played.refusal
    assert "the release that is served needs the column ledger_entry.text" in played.refusal
    assert "GET away.example.test/: 200 now, 500 with the new release: " in played.refusal
    assert "Nothing live was touched." in played.refusal
    assert (release_of(host, APP), sql(server, COLUMNS, APP)) == before
    assert_nothing_is_left(away, server)
