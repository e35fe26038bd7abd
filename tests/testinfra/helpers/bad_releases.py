"""Releases that must never be served: what is wrong with each, and what the play must say of it."""

from dataclasses import dataclass, field

# Only what gunicorn runs, so that the checks before it find nothing.
SERVED = "\nimport os, sys, threading, time\n\nif 'gunicorn' in sys.argv[0]:\n    "


@dataclass
class Bad:
    """What is changed of the project (see helpers.steady.variant_in) and of the app's options, and what comes of it."""

    phase: str
    words: list[str]
    files: dict[str, str]
    options: dict = field(default_factory=dict)
    # Whether the candidate ran, so that there is a unit with a journal.
    started: bool = False
    # Whether the gate has it, too: one of those that end alike is enough.
    gate: bool = False


# Django's logger of failed requests is disabled, since the default of disable_existing_loggers is true.
SILENT = """
LOGGING = {
    "version": 1,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": DATA_DIR / "log"}},
    "root": {"handlers": ["file"]},
}
"""
HEALTH = "from django.http import HttpResponse\n\n\ndef health(request):\n    "

BAD = {
    "a syntax error in the settings": Bad(
        "settings", ["SyntaxError", "settings.py"], {"+steady/settings.py": "\nDEBUG = = False\n"}
    ),
    "a dependency that is missing": Bad(
        "settings",
        ["No module named 'rest_framework'"],
        {"+steady/settings.py": '\nINSTALLED_APPS += ["rest_framework"]\n'},
    ),
    "a URLconf that does not import": Bad(
        "check",
        ["urls.py", "no_such_view"],
        {"+steady/urls.py": '\nurlpatterns.append(path("new", views.no_such_view))\n'},
    ),
    "a check that fails": Bad(
        "check",
        [
            " findings of check --deploy stops the deployment:\nERROR steady.E001: This is not to be served\n",
            "HINT: keep it out\n16 warnings of steady",
            " not shown.\n",
            "check_ignore: [steady.E001] or check_deploy: never",
            "The file check.txt",
        ],
        {
            "+steady/models.py": (
                "\n\nfrom django.core import checks\n\n\n@checks.register\ndef refuse(app_configs, **options):\n"
                '    warnings = [checks.Warning("Beware", id=f"steady.W{number:03}") for number in range(16)]\n'
                '    error = checks.Error("This is not to be served", hint="keep it out", id="steady.E001")\n'
                "    return [*warnings, error]\n"
            )
        },
        gate=True,
    ),
    "an application that does not import": Bad(
        "application", ["wsgi.py", "ZeroDivisionError"], {"+steady/wsgi.py": "\n1 / 0\n"}
    ),
    "a migration that fails": Bad(
        "migrate",
        ["0002_fails", "Read-only file system: 'report.txt'", "a release is read-only", "Write to /srv/steady/data"],
        {
            "steady/migrations/0002_fails.py": (
                "from django.db import migrations\n\n\ndef fail(apps, schema_editor):\n"
                '    open("report.txt", "w")\n\n\n'
                'class Migration(migrations.Migration):\n    dependencies = [("steady", "0001_initial")]\n'
                "    operations = [migrations.RunPython(fail)]\n"
            )
        },
        gate=True,
    ),
    "a health view that answers 500": Bad(
        "health",
        ["500", "RuntimeError: ill", 'steady/health.py", line 5, in health'],
        {"steady/health.py": f'{HEALTH}raise RuntimeError("ill")\n', "+steady/settings.py": SILENT},
        started=True,
        gate=True,
    ),
    "a health view that is not there": Bad(
        "health", ["404"], {"steady/health.py": f'{HEALTH}return HttpResponse("where?", status=404)\n'}, started=True
    ),
    "a health view that answers with another success": Bad(
        "health",
        ["200", "204"],
        {"steady/health.py": f'{HEALTH}return HttpResponse("any page")\n'},
        {"health_status": [204]},
        started=True,
    ),
    "an app that hangs while it is imported": Bad(
        "settings",
        ["not finished after 5 s", "settings.py"],
        {"+steady/settings.py": "\nimport time\n\ntime.sleep(3600)\n"},
        {"timeout": 5},
    ),
    "an app that hangs when it is served": Bad(
        "health",
        ["got no answer"],
        {"+steady/wsgi.py": SERVED + "time.sleep(3600)\n"},
        {"timeout": 5},
        started=True,
    ),
    "an app that cannot start": Bad(
        "health",
        ["RuntimeError: no way"],
        {"+steady/wsgi.py": SERVED + 'raise RuntimeError("no way")\n'},
        started=True,
    ),
    "an app whose workers die a second after their start": Bad(
        "steady",
        [],
        {"+steady/views.py": SERVED + "threading.Timer(1, os._exit, [3]).start()\n"},
        started=True,
        gate=True,
    ),
}
