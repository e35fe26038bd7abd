"""Run a first command unless the database records that it has run, or create the first administrator.

The argument is `recorded`, `run` or `admin`. `recorded` prints the recorded names. `run NAME COMMAND...` runs the
command and records the name. `admin` reads the account's fields in JSON from standard input, creates the account unless
it exists, and records that. Several hosts with the same database can do this at the same time: the first one runs the
command, and the others wait for its result.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from contextlib import contextmanager, nullcontext, suppress

APP = "gatehouse"
# A host that waits must not give up before the command of the other one ends, and this transaction is idle meanwhile.
PATIENT = {
    "postgresql": [
        f"SET LOCAL {name} = 0" for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    ],
    "mysql": ["SET SESSION innodb_lock_wait_timeout = 3600", "SET SESSION wait_timeout = 28800"],
}
# Errors of MySQL and MariaDB: the lock was not free in time; several hosts waited for one that failed (a deadlock).
OF_WAITING = (1205, 1213)


def recorder():
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    found = MigrationRecorder(connection)
    found.ensure_schema()
    return found


def is_recorded(name):
    return (APP, name) in recorder().applied_migrations()


def once(name):
    """Record *name* if the block succeeds. The block is told whether it has to do the work."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return held(locked_directory(connection.settings_dict["NAME"]), name)
    # MyISAM has no transactions: a command that fails would stay recorded.
    if connection.vendor == "mysql" and not connection.features.supports_transactions:
        return held(nullcontext(), name)
    return inserted(name)


@contextmanager
def held(lock, name):
    """Record *name* after the block, while *lock* keeps others out."""
    with lock:
        is_due = not is_recorded(name)
        yield is_due
        if is_due:
            recorder().record_applied(APP, name)


@contextmanager
def inserted(name):
    """Insert the record of *name* for the time of the block, and keep it if the block succeeds.

    The row has a primary key of its own. While its transaction is open, another host that inserts the same key waits.
    The connection of a host that is killed ends, and the row disappears.
    """
    from django.db import InterfaceError, OperationalError, connection, transaction

    if is_recorded(name):
        yield False
        return
    is_inserted = is_done = False
    while not is_inserted:
        try:
            with transaction.atomic():
                is_due = insert(name)
                is_inserted = True
                yield is_due
                is_done = is_due
        except (InterfaceError, OperationalError) as error:
            if not is_inserted and error.args[0] in OF_WAITING:
                continue
            if not is_done:
                raise
            # A proxy may have closed the idle connection. The work is done.
            connection.close()
            recorder().record_applied(APP, name)


def insert(name):
    """Insert the record, unless it exists; wait for another host that inserts it. Return whether it was inserted."""
    from django.db import IntegrityError, connection, transaction

    found = recorder()
    with connection.cursor() as cursor:
        for statement in PATIENT.get(connection.vendor, ()):
            cursor.execute(statement)
    try:
        with transaction.atomic():
            found.migration_qs.create(id=key_of(name), app=APP, name=name)
    except IntegrityError:
        if not is_recorded(name):
            raise
        return False
    return True


def key_of(name):
    """Return a primary key that no sequence produces: negative, and with 31 bits for an AutoField."""
    return -1 - int.from_bytes(hashlib.sha256(f"{APP} {name}".encode()).digest()[:4], "big") // 2


@contextmanager
def locked_directory(database):
    """Let one process at a time work with a file of SQLite, whose own lock would keep out the command as well."""
    handle = None
    with suppress(OSError, TypeError):
        handle = os.open(os.path.dirname(os.path.abspath(database)), os.O_RDONLY)
    try:
        if handle is not None:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def run(name, command, environment):
    with once(name) as is_due:
        if not is_due:
            return
        # env(1) ends with 127 if there is no such program, as a shell does.
        code = subprocess.run(["/usr/bin/env", *command], env=environment, check=False).returncode
        if code:
            sys.exit(code if code > 0 else 128 - code)


def create_admin(fields):
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    model = get_user_model()
    options = own_options()
    key = model.USERNAME_FIELD
    if options is None and not fields.get(key):
        sys.exit(f"the project's accounts are identified by their '{key}': set admin.{key}")
    if options is not None and set(fields) - options:
        sys.exit(
            f"the project's own createsuperuser has other options: admin can have only {', '.join(sorted(options))}"
        )
    columns = {field.name for field in model._meta.concrete_fields} - {"password"}
    names = {key} if options is None else set(fields)
    if model._default_manager.filter(**{name: fields[name] for name in names & columns}).exists():
        return
    if options is None:
        os.environ.update({f"DJANGO_SUPERUSER_{field.upper()}": value for field, value in fields.items()})
        call_command("createsuperuser", interactive=False)
    else:
        call_command("createsuperuser", **fields)


def own_options():
    """Return the options of a createsuperuser that takes them instead of Django's variables, or None."""
    from django.core.management import BaseCommand, get_commands, load_command_class

    found = get_commands()["createsuperuser"]
    command = found if isinstance(found, BaseCommand) else load_command_class(found, "createsuperuser")
    options = {action.dest for action in command.create_parser("manage.py", "createsuperuser")._actions}
    common = {action.dest for action in BaseCommand().create_parser("manage.py", "")._actions}
    return None if "interactive" in options else options - common


def main(action, arguments):
    import django

    # Settings can change it for their own process.
    environment = dict(os.environ)
    output = os.fdopen(os.dup(1), "w")
    # Only the names may be in the output.
    os.dup2(2, 1)
    django.setup()
    if action == "recorded":
        names = [name for app, name in recorder().applied_migrations() if app == APP]
        print(*names, sep="\n", file=output, flush=True)
    elif action == "run":
        run(arguments[0], arguments[1:], environment)
    else:
        fields = json.load(sys.stdin)
        with once("admin") as is_due:
            if is_due:
                create_admin(fields)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
