"""Record in the database which first commands have run, and create the first administrator.

The argument is `recorded`, `record` or `admin`. `recorded` prints the recorded names. `record` reads a name from
standard input. `admin` reads the account's fields in JSON, creates it unless it exists, and records that.
"""

import json
import os
import sys

APP = "gatehouse"


def recorder():
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    return MigrationRecorder(connection)


def record(name):
    found = recorder()
    if (APP, name) not in found.applied_migrations():
        found.record_applied(APP, name)


def create_admin(fields):
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    model = get_user_model()
    name = model.USERNAME_FIELD
    if not fields.get(name):
        sys.exit(f"the project's accounts are identified by their '{name}': set admin.{name}")
    if not model._default_manager.filter(**{name: fields[name]}).exists():
        os.environ.update({f"DJANGO_SUPERUSER_{field.upper()}": value for field, value in fields.items()})
        call_command("createsuperuser", interactive=False)


def main(action):
    import django

    output = os.fdopen(os.dup(1), "w")
    # Only the names may be in the output.
    os.dup2(2, 1)
    django.setup()
    if action == "recorded":
        names = [name for app, name in recorder().applied_migrations() if app == APP]
        print(*names, sep="\n", file=output, flush=True)
    elif action == "record":
        record(sys.stdin.read())
    else:
        create_admin(json.load(sys.stdin))
        record("admin")


if __name__ == "__main__":
    main(sys.argv[1])
