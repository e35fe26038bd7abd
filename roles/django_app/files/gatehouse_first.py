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
