"""A migration that needs a lock which another session holds: visitors are served while it waits."""

import threading
import uuid

import pytest
from helpers.hosts import eventually, release_of
from plays import sql, start_deploy, variant_in

HOLD = (
    "cd / && systemd-run --quiet --collect -p User=ledger psql -d ledger "
    "-c %s -c 'SELECT count(*) FROM ledger_entry' -c 'SELECT pg_sleep(600)'"
)
# Without its client, the server would go on until it has something to say.
RELEASE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%'"
HELD = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%'"
MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.AddField("Entry", "{name}", models.TextField(null=True))]
"""


# Not atomic, with a transaction of its own, and not with the statement that locks at its beginning.
OWN = """
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL("-- a note\\nBEGIN; ALTER TABLE ledger_entry ADD {name} text; COMMIT;")]
"""


class Reader(threading.Thread):
    """A visitor who reads the table until told to stop: the statuses."""

    def __init__(self, visitor):
        super().__init__(daemon=True)
        self.visitor, self.ended, self.statuses = visitor, threading.Event(), []

    def run(self):
        while not self.ended.wait(0.2):
            self.statuses.append(self.visitor.get("/").status)


@pytest.fixture
def lock(host):
    """A session that has read the table and does not end its transaction."""
    host.check_output(HOLD, "BEGIN")
    eventually(lambda: sql(host, HELD) == "1")
    yield
    sql(host, RELEASE)
    eventually(lambda: sql(host, HELD) == "0")


@pytest.fixture
def reader(ledger):
    reader = Reader(ledger)
    reader.start()
    yield reader
    reader.ended.set()
    reader.join()


def variant(directory, files=None, migration=MIGRATION):
    """A release with a migration of its own: an earlier run of the test leaves its own in the database."""
    name = f"note_{uuid.uuid4().hex[:8]}"
    return variant_in(directory, {f"ledger/migrations/0002_{name}.py": migration.format(name=name), **(files or {})})


def is_waiting(host):
    """Whether the migration waits, or has waited: PostgreSQL logs both."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%ALTER TABLE%'"
    return sql(host, waits) != "0"


@pytest.mark.parametrize(
    "migration", [MIGRATION, pytest.param(OWN, marks=pytest.mark.long)], ids=["atomic", "its own transaction"]
)
def test_visitors_are_served_while_a_migration_waits(host, lock, reader, tmp_path, migration):
    before = release_of(host, "ledger")
    play = start_deploy(host, variant(tmp_path, migration=migration))
    eventually(lambda: is_waiting(host), seconds=120)
    count = len(reader.statuses)
    # Several attempts. Behind a migration that waits without a limit, no visitor is answered.
    eventually(lambda: len(reader.statuses) > count + 20, seconds=180)
    assert release_of(host, "ledger") == before
    sql(host, RELEASE)
    played = play.finish()
    assert played.code == 0, played.output
    assert release_of(host, "ledger") != before
    assert set(reader.statuses) == {200}


@pytest.mark.long
def test_a_lock_that_stays_is_named(host, lock, reader, tmp_path):
    before = release_of(host, "ledger")
    # The settings are imported by the process that migrates. Five minutes are too long for a test.
    impatient = "import sys\nif 'gatehouse_migrate' in sys.modules:\n"
    impatient += "    sys.modules['gatehouse_migrate'].PATIENCE_SECONDS = 5\n"
    played = start_deploy(host, variant(tmp_path, {"+ledger/settings.py": impatient})).finish()
    assert played.code != 0
    assert "the migration ledger.0002_note_" in played.refusal
    assert "got no lock in" in played.refusal
    assert "of the role 'ledger' (active for" in played.refusal
    assert "holds locks on ledger_entry" in played.refusal
    assert release_of(host, "ledger") == before
    assert set(reader.statuses) == {200}
