"""Run `migrate` so that it never queues the visitors behind a lock.

On PostgreSQL, a statement that waits for a lock on a table makes all later queries of that table wait, too. So each
statement of a migration waits only for a short time. A migration that got no lock is rolled back and tried again, while
the visitors are served.
"""

import time
from contextlib import contextmanager, suppress

import gatehouse_locking

# As long as a visitor may wait at each attempt.
LOCK_SECONDS = 2
# Reports and backups can hold a lock for minutes.
PATIENCE_SECONDS = 300
PAUSE_SECONDS = (1, 2, 4, 8, 15)
# "lock_not_available", appendix A of PostgreSQL's documentation.
NO_LOCK = "55P03"
# psycopg's transaction status before the first statement of a transaction.
IDLE = 0
# The sessions that hold locks on tables, except for those that began a moment ago. PostgreSQL shows a role neither the
# age nor the state of other roles' sessions. Without the queries: they can contain data.
HOLDERS = """
SELECT l.pid, a.usename, coalesce(a.state, 'unknown state'), extract(epoch FROM now() - a.xact_start)::int,
       string_agg(DISTINCT c.relname, ', ')
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.granted AND l.pid <> pg_backend_pid() AND c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (a.xact_start IS NULL OR a.xact_start < now() - interval '1 second')
GROUP BY l.pid, a.usename, a.state, a.xact_start ORDER BY a.xact_start LIMIT 3
"""


class NoLock(Exception):
    """A migration got no lock in time; the text is for the operator."""


# The key of the advisory lock: "gatehous" in ASCII.
LOCK_KEY = int.from_bytes(b"gatehous", "big")
OTHER_SECONDS = 60


def migrate(alias):
    """Migrate the database *alias*, unless another deployment does so: two at the same time can damage it."""
    from django.core.management import call_command
    from django.db import connections

    def run(verbosity=1):
        call_command("migrate", database=alias, interactive=False, verbosity=verbosity, no_color=True)

    connection = connections[alias]
    if connection.vendor == "mysql":
        with locked_mysql(alias):
            run()
    elif connection.vendor == "postgresql":
        attempts = Attempts(alias)
        with locked(alias), connection.execute_wrapper(attempts.limit):
            attempts.repeat(lambda: run(0 if attempts.count else 1), lambda: is_repeatable(alias))
    else:
        run()


@contextmanager
def locked(alias):
    """Hold the lock of the migrations of a PostgreSQL database; raise NoLock if another deployment holds it.

    Its transaction, on a connection of its own, keeps it also behind a pooler like PgBouncer. At this level of
    isolation it holds no snapshot, for which CREATE INDEX CONCURRENTLY would wait.
    """
    from django.db import connections

    connection = connections[alias].copy()
    connection.settings_dict = {**connection.settings_dict, "AUTOCOMMIT": True}
    try:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            wait_for(lambda: ask(cursor, f"SELECT pg_try_advisory_xact_lock({LOCK_KEY})"), alias)
        yield
    finally:
        connection.close()


@contextmanager
def locked_mysql(alias):
    """Hold the lock of the migrations of a MySQL or MariaDB database; raise NoLock if another deployment holds it."""
    from django.db import connections

    connection = connections[alias].copy()
    try:
        with connection.cursor() as cursor:
            # Locks are those of the server, and a name has up to 64 characters.
            name = "concat('gatehouse ', md5(database()))"
            wait_for(lambda: ask(cursor, f"SELECT get_lock({name}, 0)"), alias)
        yield
    finally:
        connection.close()


def ask(cursor, sql):
    """Return the one value that *sql* selects."""
    cursor.execute(sql)
    return cursor.fetchone()[0]


def wait_for(get, alias):
    """Call *get* until it returns a true value; raise NoLock after OTHER_SECONDS."""
    end = time.monotonic() + OTHER_SECONDS
    while not get():
        if time.monotonic() > end:
            raise NoLock(
                f"another deployment has been migrating the database '{alias}' for more than {OTHER_SECONDS} s. This "
                "one has migrated nothing. Run it again when the other one has ended."
            )
        time.sleep(1)


class Attempts:
    """The attempts to migrate one database, which have PATIENCE_SECONDS together."""

    def __init__(self, alias):
        self.alias, self.count, self.start = alias, 0, time.monotonic()

    def repeat(self, run, may_repeat):
        """Call *run* until it gets its locks; raise NoLock if it does not in time."""
        while True:
            try:
                return run()
            except Exception as error:
                if not has_no_lock(error) or not may_repeat():
                    raise
                if not self.count:
                    # Django has not ended the line of the migration that failed.
                    print(flush=True)
                self.count += 1
                pause = PAUSE_SECONDS[min(self.count, len(PAUSE_SECONDS)) - 1]
                if time.monotonic() + pause - self.start > PATIENCE_SECONDS:
                    raise NoLock(explain(self.alias, self.count, time.monotonic() - self.start)) from error
            time.sleep(pause)

    def limit(self, execute, sql, params, many, context):
        """Run a statement with a limit for its locks (django.db.connection.execute_wrapper)."""
        from django.db import transaction

        connection = context["connection"]
        if connection.in_atomic_block:
            # SET LOCAL ends with the transaction: it is safe behind a pooler like PgBouncer.
            if connection.connection.info.transaction_status == IDLE:
                connection.connection.cursor().execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            return execute(sql, params, many, context)
        # A migration with `atomic = False`: it is not repeated as a whole, but each of its statements can be.
        limited = gatehouse_locking.limitable(str(sql), LOCK_SECONDS)
        # In a transaction that the migration itself began, of which this is a part.
        if not limited or (connection.connection and connection.connection.info.transaction_status != IDLE):
            return execute(sql, params, many, context)
        text, is_transaction = limited

        def run():
            if is_transaction:
                return self.undone(execute, text, params, many, context)
            with transaction.atomic(using=self.alias):
                return self.limit(execute, sql, params, many, context)

        return self.repeat(run, lambda: True)

    def undone(self, execute, sql, params, many, context):
        """Run a text that is a transaction; after an error it has no effect."""
        try:
            return execute(sql, params, many, context)
        except Exception:
            with suppress(Exception):
                context["connection"].connection.cursor().execute("ROLLBACK")
            raise


def has_no_lock(error):
    """Return whether *error*, which Django repeats from the driver, says that a lock was not available in time."""
    # The attributes are those of psycopg and of psycopg2.
    return any(
        getattr(one, name, None) == NO_LOCK for one in (error, error.__cause__) for name in ("sqlstate", "pgcode")
    )


def is_repeatable(alias):
    """Return whether what failed was rolled back: an atomic migration, or what Django does after all migrations."""
    migration = first_pending(alias)
    return migration is None or migration.atomic


def first_pending(alias):
    """Return the first migration that is not applied yet, None if all are."""
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connections[alias])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return plan[0][0] if plan else None


def explain(alias, count, seconds):
    """Return the error: which migration waited, for what, and what to do."""
    from django.db import connections

    migration = first_pending(alias)
    name = f"the migration {migration.app_label}.{migration.name}" if migration else "migrate"
    with connections[alias].cursor() as cursor:
        cursor.execute(HOLDERS)
        holders = cursor.fetchall()
    lines = [
        f"{name} got no lock in {seconds:.0f} s. It tried {count} times and waited {LOCK_SECONDS} s each time, because "
        "visitors wait behind a migration that waits. It was rolled back."
    ]
    for pid, role, state, age, tables in holders:
        since = f" for {age} s" if age is not None else ""
        lines.append(f"Process {pid} of the role '{role}' ({state}{since}) holds locks on {tables}.")
    end = f"SELECT pg_terminate_backend({holders[0][0]})" if holders else "SELECT * FROM pg_locks"
    lines.append(f"Deploy again when that has ended. To end or find it: runuser -u postgres -- psql -c '{end}'")
    return "\n".join(lines)
