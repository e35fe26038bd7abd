"""Migrate copies of an app's databases as a deployment migrates the live ones, and report what each migration does.

The arguments are the databases to migrate. The last line of the output is a report in JSON with the token that this
process reads from standard input; all other output goes to standard error.

Which locks a migration holds is read on its own connection, inside its transaction: after each statement, and before
the commit. What another connection sees is sampled outside of this process (_rehearsal/watch.py).
"""

import json
import os
import sys
import time
from contextlib import contextmanager, nullcontext, suppress

import gatehouse_migrate
import gatehouse_prepare

# The locks of this session on tables. 16384 is the first number of an object that is not PostgreSQL's own.
HELD = """
SELECT relation, mode FROM pg_catalog.pg_locks
WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' AND granted AND relation >= 16384
"""
# By number: a table that the migration drops has no name before the commit. Without those of _rehearsal/watch.py, into
# which its trigger writes.
TABLES = """
SELECT c.oid, CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384 AND n.nspname !~ '^gatehouse_[0-9a-f]{16}$'
"""


class Locks:
    """What the transactions of one migration lock, and for how long."""

    def __init__(self, connection, tables):
        self.connection, self.tables = connection, tables
        # Seconds by number of the table and mode.
        self.longest = {}
        self.held, self.seen, self.looked = {}, set(), time.monotonic()

    @contextmanager
    def watched(self):
        """Look after each statement, and before each commit."""
        connection, commit, rollback = self.connection, self.connection._commit, self.connection._rollback

        def watched_commit():
            self.look(self.looked)
            commit()
            self.end()

        def watched_rollback():
            self.forget()
            return rollback()

        connection._commit, connection._rollback = watched_commit, watched_rollback
        try:
            with connection.execute_wrapper(self.after):
                yield
        finally:
            connection._commit, connection._rollback = commit, rollback

    def after(self, execute, sql, params, many, context):
        """Run a statement (django.db.connection.execute_wrapper), and look at what it locked."""
        began = time.monotonic()
        result = execute(sql, params, many, context)
        # The same statement takes the same locks: do not double the time of one that runs for each row.
        number = hash(str(sql))
        if self.connection.in_atomic_block and number not in self.seen:
            self.seen.add(number)
            self.look(began)
        return result

    def look(self, since):
        """Note the locks that are held now; those that are new are held *since* this time."""
        # Not through Django, whose wrappers would count it. A transaction that has failed answers nothing.
        with suppress(Exception), self.connection.connection.cursor() as cursor:
            cursor.execute(HELD)
            for key in cursor.fetchall():
                self.held.setdefault(tuple(key), since)
        self.looked = time.monotonic()

    def end(self):
        """The transaction has ended, and its locks with it."""
        now = time.monotonic()
        for key, since in self.held.items():
            self.longest[key] = max(self.longest.get(key, 0.0), now - since)
        self.forget()

    def forget(self):
        """Begin another transaction."""
        self.held, self.seen, self.looked = {}, set(), time.monotonic()

    def report(self):
        """The locks on tables that existed before."""
        found = [(self.tables.get(number), mode, seconds) for (number, mode), seconds in self.longest.items()]
        return [{"table": table, "mode": mode, "seconds": round(seconds, 3)} for table, mode, seconds in found if table]


@contextmanager
def recorded(alias, found):
    """Append to *found* what each migration of the database *alias* does while this context lasts."""
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    connection, apply = connections[alias], MigrationExecutor.apply_migration
    tables = read_tables(connection) if connection.vendor == "postgresql" else {}

    def recorded_apply(executor, state, migration, *arguments, **options):
        locks = Locks(connection, tables) if connection.vendor == "postgresql" else None
        name = f"{migration.app_label}.{migration.name}"
        entry = {"name": name, "alias": alias, "is_atomic": migration.atomic, "began": time.time()}
        found.append(entry)
        with locks.watched() if locks else nullcontext():
            result = apply(executor, state, migration, *arguments, **options)
        entry |= {"ended": time.time(), "locks": locks.report() if locks else []}
        return result

    MigrationExecutor.apply_migration = recorded_apply
    try:
        yield
    finally:
        MigrationExecutor.apply_migration = apply


def read_tables(connection):
    """Return the names of the tables by number."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return dict(cursor.fetchall())


def main(databases):
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    report, failed = {"token": sys.stdin.readline().strip(), "migrations": []}, False
    try:
        import django

        django.setup()
        for alias in gatehouse_prepare.aliases(databases):
            with recorded(alias, report["migrations"]):
                gatehouse_migrate.migrate(alias)
    # BaseException: settings can call sys.exit().
    except BaseException as error:
        failed = True
        print(gatehouse_prepare.explain(error), file=sys.stderr)
    print(json.dumps(report), file=output, flush=True)
    # End the process even if the project has started threads.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1])
