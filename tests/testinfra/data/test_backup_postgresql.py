"""A database of PostgreSQL is backed up and restored without a password, with its extensions and rights."""

import json
from uuid import uuid4

import pytest
from helpers.backups import back_up, record, restic, service
from helpers.hosts import eventually
from helpers.module import call
from plays import sql

# A session of the superuser that keeps all others from the table. Without its client, it would go on.
LOCK = "BEGIN; LOCK TABLE ledger_entry; SELECT pg_sleep(600)"
HELD = "FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK TABLE%'"
# For how long the backup has waited for the lock.
WAITED = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0) FROM pg_stat_activity
WHERE usename = 'ledger' AND wait_event_type = 'Lock'
"""


@pytest.fixture
def row(ledger):
    """A row that a visitor wrote."""
    text = uuid4().hex
    assert ledger.get(f"/add/{text}").status == 200
    return text


def rows(ledger):
    return ledger.get("/").json()["entries"]


def restore(host, **options):
    return call(host, "django_restore", app="ledger", confirm="ledger", **options)


def test_its_dump_and_its_rows_are_of_one_moment(host, ledger, row):
    made = back_up(host, "ledger")
    manifest = json.loads(restic(host, "ledger", "dump", made["snapshot"], "/manifest.json"))
    (database,) = manifest["databases"]
    assert (database["vendor"], database["name"], database["file"]) == ("postgresql", "ledger", "default.pgdump")
    assert database["rows"]["public.ledger_entry"] == len(rows(ledger))
    assert {"pg_trgm", "unaccent"} <= set(database["extensions"])
    host.check_output("mkdir /root/look")
    restic(host, "ledger", "restore", made["snapshot"], "--target", "/root/look", "--include", "/databases")
    listed = host.check_output("pg_restore --list /root/look/databases/default.pgdump; rm -r /root/look")
    assert "TABLE DATA public ledger_entry" in listed


@pytest.fixture
def lock(host):
    """lock(): take the lock; its end is release(), or that of the test."""

    def lock():
        run = "cd / && systemd-run --quiet --collect -p User=postgres psql -d ledger -c %s"
        host.check_output(run, LOCK)
        eventually(lambda: sql(host, f"SELECT count(*) {HELD} AND wait_event = 'PgSleep'") == "1")

    lock.release = lambda: sql(host, f"SELECT count(pg_terminate_backend(pid)) {HELD}")
    yield lock
    lock.release()


def test_a_time_limit_of_the_project_does_not_end_it(host, row, lock, undo):
    undo("cd / && runuser -u postgres -- psql -Xqc 'ALTER ROLE ledger RESET ALL'")
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        sql(host, f"ALTER ROLE ledger SET {name} = '500ms'")
    lock()
    host.check_output("systemctl start --no-block %s", service("ledger"))
    eventually(lambda: float(sql(host, WAITED)) > 1)
    lock.release()
    # Its record is there before its unit has ended.
    eventually(lambda: host.run("systemctl is-active %s", service("ledger")).stdout.strip() in ("inactive", "failed"))
    assert record(host, "ledger")["last"]["result"] == "ok", record(host, "ledger")


@pytest.fixture
def client(host, undo):
    """One that connects again as soon as it is ended, like a pool or a monitor."""
    loop = "while sleep 0.05; do runuser -u ledger -- psql -qd ledger -c 'SELECT pg_sleep(60)'; done"
    host.check_output("systemd-run --quiet --collect --unit=lab-client --working-directory=/ bash -c %s", loop)
    undo("systemctl stop lab-client")


@pytest.fixture
def report(host, undo):
    """Another role with rights in the database, and one that does not exist any more when it is restored."""
    psql = "cd / && runuser -u postgres -- psql -Xqd ledger -c"
    undo(f"{psql} 'DROP OWNED BY report; DROP ROLE report; DROP ROLE IF EXISTS gone'")
    undo(f"{psql} 'ALTER DATABASE ledger RESET work_mem' -c 'ALTER DATABASE ledger CONNECTION LIMIT -1'")
    sql(host, "CREATE ROLE report; CREATE ROLE gone; GRANT CONNECT ON DATABASE ledger TO report")
    sql(host, "GRANT SELECT ON ledger_entry TO report, gone", "ledger")
    sql(host, "ALTER DATABASE ledger SET work_mem = '8MB'; ALTER ROLE report IN DATABASE ledger SET work_mem = '9MB'")
    sql(host, "ALTER DATABASE ledger CONNECTION LIMIT 40")


RIGHTS = """
SELECT (SELECT datconnlimit FROM pg_database WHERE datname = 'ledger'),
  has_database_privilege('report', 'ledger', 'CONNECT'), has_table_privilege('report', 'ledger_entry', 'SELECT'),
  (SELECT string_agg(array_to_string(setconfig, ' '), ' ' ORDER BY setrole) FROM pg_db_role_setting
   JOIN pg_database ON oid = setdatabase WHERE datname = 'ledger')
"""


@pytest.mark.parametrize("only", ["all", pytest.param("database", marks=pytest.mark.long)])
def test_it_is_restored(host, ledger, row, trap, report, client, undo, only):
    back_up(host, "ledger")
    rights = sql(host, RIGHTS, "ledger")
    sql(host, "DROP OWNED BY gone; DROP ROLE gone", "ledger")
    asked = call(host, "django_restore", app="ledger", only=only)
    assert "The rights of 'gone' in DATABASES['default'] would be left out" in asked["msg"]
    later = uuid4().hex
    assert ledger.get(f"/add/{later}").status == 200
    answer = restore(host, only=only)
    assert not answer["failed"], answer
    assert sql(host, "SELECT count(*) FROM pg_roles WHERE rolname = 'sprung'") == "0"
    undo("rm -rf /srv/ledger/before-restore-*")
    assert rows(ledger)[-1] == row
    kept = answer["kept"][0].removeprefix("database ")
    assert kept.startswith("ledger_before_")
    # Not the app's any more, which could drop it.
    assert sql(host, f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '{kept}'") == "postgres"
    refused = host.run("cd / && runuser -u ledger -- psql -d %s -c 'SELECT 1'", kept)
    assert "permission denied for database" in refused.stderr
    assert sql(host, "SELECT text FROM ledger_entry ORDER BY id DESC LIMIT 1", kept) == later
    sql(host, f'DROP DATABASE "{kept}"')
    # As before: rights of others, settings, limit of connections, owner, extensions, sequences, and who may connect.
    assert sql(host, RIGHTS, "ledger") == rights
    assert rights.startswith("40|t|t|")
    assert "work_mem=9MB" in rights
    owner = "SELECT pg_get_userbyid(datdba), has_database_privilege('pg_monitor', datname, 'CONNECT')"
    assert sql(host, f"{owner} FROM pg_database WHERE datname = 'ledger'") == "ledger|f"
    extensions = sql(host, "SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension", "ledger")
    assert extensions == "pg_trgm plpgsql unaccent"
    again = uuid4().hex
    assert ledger.get(f"/add/{again}").status == 200
    assert rows(ledger)[-2:] == [row, again]


def test_the_database_of_another_app_is_never_replaced(host, ledger, row):
    """Settings name the database of a role that is not the app's: the backup is refused as a restore."""
    back_up(host, "ledger")
    sql(host, "ALTER DATABASE ledger OWNER TO postgres")
    try:
        answer = restore(host)
    finally:
        sql(host, "ALTER DATABASE ledger OWNER TO ledger")
    assert answer["failed"]
    assert "belongs to role 'postgres', not to 'ledger'" in answer["msg"]
    assert rows(ledger)[-1] == row
