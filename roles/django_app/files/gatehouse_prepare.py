"""Collect the static files of a candidate release, check it and migrate its databases in one process.

The arguments are options in JSON, the application as `module:name`, the directory of the static files, the databases to
migrate, and the time limit in seconds for importing the application. The options are check_deploy and check_ignore,
`variables` (the names that the inventory sets), `limit` (seconds for a phase without a limit of its own), `is_new`
(whether an earlier run began to migrate new databases and failed), `database` (the name of the PostgreSQL database that
the project must use, or nothing), and `part` (part_of() below). The last line of the output is a report in JSON; all
other output goes to standard error. The report contains the token that this process reads from standard input before it
imports the project: a module of the project that ends the process cannot report success.
"""

import faulthandler
import json
import os
import signal
import socket
import sys
import time
import traceback
from contextlib import contextmanager, suppress
from importlib import import_module

import gatehouse_database
import gatehouse_migrate
import gatehouse_variables


def load_settings(options, application, static, databases, timeout):
    import django
    from django.conf import settings

    django.setup()
    if options["database"]:
        gatehouse_database.require(options["database"], is_remote=options["is_remote"])
    hosts = [host.removeprefix(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    if options["part"] == "until_migration":
        require_shared(settings.DATABASES, databases)
    return {
        "health_host": hosts[0] if hosts else "localhost",
        # With DEBUG, an empty list is one that allows localhost.
        "allows_none": not settings.ALLOWED_HOSTS and not settings.DEBUG,
        "static_url": settings.STATIC_URL or "",
    }


def require_shared(known, databases):
    """Refuse a database that each of several hosts would have for itself."""
    from django.core.exceptions import ImproperlyConfigured

    for alias in databases.split(","):
        engine = str(known.get(alias, {}).get("ENGINE")).lower()
        if "sqlite" in engine or "spatialite" in engine:
            raise ImproperlyConfigured(
                f"DATABASES['{alias}'] is SQLite, a file that each of the app's hosts would have for itself. Use a "
                "server that all of them reach, like database: {engine: postgresql, host: db1.example.com}, or remove "
                "the option hosts: each host of the play then has the app for itself."
            )


def check(options, application, static, databases, timeout):
    import gatehouse_check

    report, failure = gatehouse_check.check(options["check_deploy"], options["check_ignore"])
    if failure:
        # The report is about a failure, too: it has all findings.
        failure.report = report | {"error": str(failure)}
        raise failure
    return report


def import_application(options, application, static, databases, timeout):
    module, _colon, name = application.partition(":")
    getattr(import_module(module), name)


def collectstatic(options, application, static, databases, timeout):
    from django.conf import settings
    from django.core.management import call_command

    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
        return {}
    call_command("collectstatic", interactive=False, verbosity=0)
    return {"static_files": sum(len(files) for _path, _directories, files in os.walk(static))}


def plan(options, application, static, databases, timeout):
    """Return the pending migrations, as `migrate --plan` shows them, and all migrations of this release."""
    from django.db import connections, router
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.loader import MigrationLoader

    code = MigrationLoader(None, load=False)
    code.load_disk()
    migrations = []
    for alias in aliases(databases):
        executor = MigrationExecutor(connections[alias])
        for migration, _backwards in executor.migration_plan(executor.loader.graph.leaf_nodes()):
            # Django records all migrations in every database, also those that change nothing there.
            if router.allow_migrate(alias, migration.app_label):
                name = f"{migration.app_label}.{migration.name}"
                migrations.append(name if alias == "default" else f"{name} (database {alias})")
    return {
        "migrations": migrations,
        "known_migrations": sorted(".".join(name) for name in code.disk_migrations),
    }


def aliases(databases):
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    chosen = [alias for alias in databases.split(",") if alias]
    for alias in chosen:
        if alias not in connections:
            raise ImproperlyConfigured(f"migrate_databases: DATABASES has no '{alias}', only {', '.join(connections)}")
    return chosen


def migrate(options, application, static, databases, timeout):
    for alias in aliases(databases):
        gatehouse_migrate.migrate(alias)


PHASES = {
    "settings": load_settings,
    "check": check,
    "application": import_application,
    "collectstatic": collectstatic,
    "plan": plan,
    "migrate": migrate,
}


# Migrations cannot be undone, so they come last. Checks import the URLs, which may name static files by their hash.
USUAL_ORDER = ("collectstatic", "check", "application", "plan", "migrate")
# On new databases there is no data to lose, and checks and views may query the database.
ORDER_ON_NEW_DATABASES = ("plan", "migrate", "collectstatic", "check", "application")


def order(databases, is_new=False):
    from django.db import connections
    from django.db.migrations.recorder import MigrationRecorder

    try:
        known = [MigrationRecorder(connections[alias]).applied_migrations() for alias in aliases(databases)]
    # A later phase that needs the database reports the error.
    except Exception:
        return USUAL_ORDER
    return USUAL_ORDER if any(known) and not is_new else ORDER_ON_NEW_DATABASES


def part_of(phases, part):
    """Return those of *phases* that belong to the *part*.

    `all` are all of them, and `before` those before the migration of databases that have data. New databases have none,
    and so only one part. Where several hosts have one database, one of them migrates it after all have ended
    `until_migration`; on new databases, the others need `after_migration`.
    """
    if part == "migrate":
        return [phase for phase in phases if phase in ("plan", "migrate")]
    if part in ("until_migration", "after_migration"):
        until = phases[: phases.index("migrate")]
        return [phase for phase in phases if phase != "migrate" and (phase in until) == (part == "until_migration")]
    is_divided = part == "before" and phases == USUAL_ORDER
    return [phase for phase in phases if phase != "migrate" or not is_divided]


# gunicorn stops a worker that needs longer than the timeout for these phases.
OF_A_WORKER = ("settings", "check", "application")
# A migration of a large table can take hours. Half of it is worse than the wait: MySQL and MariaDB cannot undo it.
UNLIMITED = ("migrate",)
# For an exception to end a phase, after which the process ends.
GRACE_SECONDS = 10


@contextmanager
def limited(phase, timeout, limit):
    """End a phase that hangs; the traceback shows where."""
    seconds = timeout if phase in OF_A_WORKER else limit

    def hangs(signal_number, frame):
        remedy = "or increase timeout" if phase in OF_A_WORKER else "or what it waits for: a lock, or a server"
        raise TimeoutError(f"not finished after {seconds} s: correct the code that hangs, {remedy}")

    if phase in UNLIMITED:
        yield
        return
    signal.signal(signal.SIGALRM, hangs)
    signal.alarm(seconds)
    # Code can catch the exception, and an extension in C does not notice the signal.
    faulthandler.dump_traceback_later(seconds + GRACE_SECONDS, exit=True)
    try:
        yield
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()


def explain(error):
    """Return the message for the operator: a sentence, the error of a command, or the end of a traceback."""
    module = os.environ.get("GATEHOUSE_SETTINGS_MODULE", "")
    if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
        return f"settings_module '{module}' cannot be imported: {error}. Use the name by which manage.py finds it."
    if type(error).__name__ in ("CheckFailed", "NoLock"):
        return str(error)
    if type(error).__name__ in ("CommandError", "ImproperlyConfigured"):
        # Django does not say why it could not import the driver of a database.
        reason = error.__context__
        more = f" ({type(reason).__name__}: {reason})" if isinstance(reason, ImportError) else ""
        return f"{type(error).__name__}: {error}{more}"
    # Django repeats the error of a database driver.
    first = error.__cause__ or error.__context__
    return "".join(traceback.format_exception(error, limit=-5, chain=str(first) != str(error)))


def unused(names):
    """Return the variables that the project does not use; a problem in this search must not fail the deployment."""
    from django.conf import settings

    try:
        return gatehouse_variables.unused(names, settings)
    except Exception:
        return []


def show(phase, address):
    """Tell systemd the phase that begins, for an operator who waits (sd_notify(3)); *address* may be empty."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(f"STATUS={phase}".encode(), f"\0{address[1:]}" if address.startswith("@") else address)


def main(arguments):
    # The project does not get it: some libraries talk to systemd where they find it.
    address = os.environ.pop("NOTIFY_SOCKET", "")
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    report = {"token": sys.stdin.readline().strip(), "phases": {}}
    arguments = [json.loads(arguments[0]), *arguments[1:]]
    failed = False
    gatehouse_variables.record()
    todo = ["settings"]
    while todo:
        phase = todo.pop(0)
        start = time.monotonic()
        show(phase, address)
        try:
            with limited(phase, int(arguments[-1]), arguments[0]["limit"]):
                report.update(PHASES[phase](*arguments) or {})
                if phase == "settings":
                    phases = order(arguments[-2], arguments[0]["is_new"])
                    report["is_new"] = phases == ORDER_ON_NEW_DATABASES
                    todo = part_of(phases, arguments[0]["part"])
                # Without migrations, there is nothing to look at before them.
                is_before = arguments[0]["part"] == "before"
                if phase == "plan" and is_before and "migrate" not in todo and not report["migrations"]:
                    todo.append("migrate")
        # BaseException: settings can call sys.exit().
        except BaseException as error:
            failed = True
            report.update(getattr(error, "report", {}))
            print(explain(error), file=sys.stderr)
        report["phases"][phase] = round(time.monotonic() - start, 2)
        report["phase"] = phase
        if failed:
            break
    if not failed:
        report["unused"] = unused(arguments[0]["variables"])
    print(json.dumps(report), file=output, flush=True)
    # End the process even if the project has started threads.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
