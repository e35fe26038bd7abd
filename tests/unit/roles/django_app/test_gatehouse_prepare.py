"""The preparation of a candidate."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import report

OPTIONS = {"check_deploy": "ERROR", "check_ignore": [], "variables": [], "limit": 60, "is_new": False, "database": ""}
OPTIONS |= {"part": "all"}
PREPARE = Path(__file__).resolve().parents[4] / "roles/django_app/files/gatehouse_prepare.py"


@pytest.fixture(scope="module")
def prepare():
    spec = importlib.util.spec_from_file_location("gatehouse_prepare", PREPARE)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(PREPARE.parent))
        spec.loader.exec_module(module)
    return module


def test_errors_of_commands_are_shown_without_a_traceback(prepare):
    class CommandError(Exception):
        pass

    assert prepare.explain(CommandError("no such table")) == "CommandError: no such table"
    try:
        raise ValueError("deep inside")
    except ValueError as error:
        assert prepare.explain(error).startswith("Traceback")
        assert prepare.explain(error).endswith("ValueError: deep inside\n")


def test_an_error_that_django_repeats_is_shown_once(prepare):
    def fail(text):
        try:
            raise KeyError("no such table")
        except KeyError as error:
            raise ValueError(text or str(error)) from error

    for text, times in ((None, 1), ("another", 2)):
        with pytest.raises(ValueError) as caught:
            fail(text)
        assert prepare.explain(caught.value).count("Traceback") == times


def test_the_report_is_the_last_line_even_of_a_failure(tmp_path):
    fake = tmp_path / "django"
    fake.mkdir()
    (fake / "__init__.py").write_text(
        "print('printed while importing')\ndef setup(): raise SystemExit('no settings')\n"
    )
    (fake / "conf.py").write_text("settings = None\n")
    done = subprocess.run(
        [sys.executable, PREPARE, json.dumps(OPTIONS), "shop.wsgi:application", "/static", "default", "30"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["phase"] == "settings"
    assert "printed while importing" in done.stderr
    assert "no settings" in done.stderr


def prepared(tmp_path, text, given):
    fake = tmp_path / "django"
    fake.mkdir()
    (fake / "__init__.py").write_text(text)
    (fake / "conf.py").write_text("settings = None\n")
    return subprocess.run(
        [sys.executable, PREPARE, json.dumps(OPTIONS), "shop.wsgi:application", "/static", "default", "30"],
        input=given,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path)},
        check=False,
    )


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_report_repeats_the_token_that_the_project_cannot_read(tmp_path, end):
    done = prepared(
        tmp_path, "import sys\ndef setup(): raise SystemExit(f'read: {sys.stdin.read()!r}')\n", f"t0k3n{end}"
    )
    assert json.loads(done.stdout)["token"] == "t0k3n"
    assert "read: ''" in done.stderr
    assert "t0k3n" not in done.stderr


def test_a_project_that_ends_the_process_reports_nothing(tmp_path):
    forged = '{"token": "", "phase": "migrate"}'
    done = prepared(tmp_path, f"import os\nprint({forged!r}, flush=True)\nos._exit(0)\n", "t0k3n")
    assert (done.returncode, done.stdout) == (0, "")


def test_static_files_are_counted(prepare, monkeypatch, tmp_path):
    static = tmp_path / "releases" / "abc-1" / "static"
    static.mkdir(parents=True)

    def call_command(name, **_options):
        assert name == "collectstatic"
        (static / "css").mkdir()
        for file in ("a.js", "css/b.css"):
            (static / file).touch()

    settings = types.SimpleNamespace(INSTALLED_APPS=["django.contrib.staticfiles"])
    for name, content in {
        "django.conf": {"settings": settings},
        "django.core.management": {"call_command": call_command},
    }.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    arguments = (OPTIONS, "shop.wsgi:application", str(static), "default", "30")
    assert prepare.collectstatic(*arguments) == {"static_files": 2}
    settings.INSTALLED_APPS = []
    assert prepare.collectstatic(*arguments) == {}


def test_phases_are_those_that_the_host_expects(prepare):
    assert prepare.PHASES.keys() == report.PHASES


def test_a_hanging_import_ends_with_a_traceback(prepare):
    def import_of_the_project():
        time.sleep(10)

    with pytest.raises(TimeoutError, match=r"1 s: .*increase timeout") as caught, prepare.limited("settings", 1, 60):
        import_of_the_project()
    assert "import_of_the_project" in prepare.explain(caught.value)


@pytest.mark.parametrize("phase", ["collectstatic", "plan"])
def test_other_phases_have_the_general_limit(prepare, phase):
    with pytest.raises(TimeoutError, match=r"1 s: .*what it waits for"), prepare.limited(phase, 60, 1):
        time.sleep(10)


def test_code_that_notices_no_signal_ends_with_a_traceback(tmp_path):
    program = f"""
import runpy, signal
prepare = runpy.run_path({str(PREPARE)!r})
prepare["limited"].__wrapped__.__globals__["GRACE_SECONDS"] = 0.2
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
with prepare["limited"]("collectstatic", 60, 1):
    import time; time.sleep(10)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(PREPARE.parent)},
        check=False,
    )
    assert done.returncode == 1
    assert 'File "<string>", line 7' in done.stderr


def test_migrations_have_no_time_limit(prepare):
    """Smoke test: nothing is raised."""
    with prepare.limited("migrate", 1, 1):
        time.sleep(1.1)


@pytest.fixture
def django(monkeypatch):
    """As much of Django as the migrations ask for: `applied` is in the databases, `migrated` are those asked for."""
    known = [types.SimpleNamespace(app_label=label, name="0001") for label in ("queue", "shop")]

    class Loader:
        def __init__(self, connection, load):
            self.disk_migrations = {}

        def load_disk(self):
            self.disk_migrations = {(migration.app_label, migration.name): migration for migration in known}

    class Executor:
        def __init__(self, connection):
            graph = types.SimpleNamespace(leaf_nodes=list)
            self.loader = types.SimpleNamespace(graph=graph)

        def migration_plan(self, targets):
            return [(migration, False) for migration in known]

    def allow_migrate(alias, app_label):
        return (alias == "queue") == (app_label == "queue")

    class Recorder:
        def __init__(self, connection):
            pass

        def applied_migrations(self):
            return sys.modules["django"].applied

    migrated = []
    names = {
        "django": {"migrated": migrated, "applied": {}},
        "django.core": {},
        "django.core.exceptions": {"ImproperlyConfigured": type("ImproperlyConfigured", (Exception,), {})},
        "django.core.management": {"call_command": lambda name, database, **_options: migrated.append(database)},
        "django.db": {
            "connections": {name: types.SimpleNamespace(vendor="sqlite") for name in ("default", "queue", "replica")},
            "router": types.SimpleNamespace(allow_migrate=allow_migrate),
        },
        "django.db.migrations": {},
        "django.db.migrations.executor": {"MigrationExecutor": Executor},
        "django.db.migrations.loader": {"MigrationLoader": Loader},
        "django.db.migrations.recorder": {"MigrationRecorder": Recorder},
    }
    for name, content in names.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return sys.modules["django"]


@pytest.mark.parametrize(
    ("databases", "planned"),
    [
        ("default", ["shop.0001"]),
        ("default,queue", ["shop.0001", "queue.0001 (database queue)"]),
        ("", []),
    ],
)
def test_the_listed_databases_are_migrated(prepare, django, databases, planned):
    report = prepare.plan(OPTIONS, "shop.wsgi:application", "/static", databases, "30")
    assert report == {"migrations": planned, "known_migrations": ["queue.0001", "shop.0001"]}
    prepare.migrate(OPTIONS, "shop.wsgi:application", "/static", databases, "30")
    assert django.migrated == [alias for alias in databases.split(",") if alias]


def test_a_database_that_the_project_does_not_have(prepare, django):
    with pytest.raises(Exception, match="DATABASES has no 'queu', only default, queue, replica") as caught:
        prepare.plan(OPTIONS, "shop.wsgi:application", "/static", "default,queu", "30")
    assert prepare.explain(caught.value).startswith("ImproperlyConfigured: migrate_databases: ")


def test_migrations_run_last_except_on_new_databases(prepare, django, monkeypatch):
    assert prepare.order("default")[:2] == ("plan", "migrate")
    django.applied = {("shop", "0001"): None}
    assert prepare.order("default")[-2:] == ("plan", "migrate")
    assert prepare.order("default", is_new=True)[:2] == ("plan", "migrate")
    # The phase that needs the database is the one to say so.
    assert prepare.order("nowhere")[-2:] == ("plan", "migrate")
    assert set(prepare.USUAL_ORDER) == set(prepare.ORDER_ON_NEW_DATABASES) == set(prepare.PHASES) - {"settings"}


def test_only_databases_with_data_are_migrated_in_a_part_of_its_own(prepare):
    before = ["collectstatic", "check", "application", "plan"]
    assert prepare.part_of(prepare.USUAL_ORDER, "before") == before
    assert prepare.part_of(prepare.USUAL_ORDER, "migrate") == ["plan", "migrate"]
    # Of several hosts with one database, one migrates.
    assert prepare.part_of(prepare.USUAL_ORDER, "until_migration") == before
    assert prepare.part_of(prepare.USUAL_ORDER, "after_migration") == []
    new = prepare.ORDER_ON_NEW_DATABASES
    assert prepare.part_of(new, "until_migration") == ["plan"]
    assert prepare.part_of(new, "after_migration") == ["collectstatic", "check", "application"]
    for phases, part in ((prepare.USUAL_ORDER, "all"), (prepare.ORDER_ON_NEW_DATABASES, "before")):
        assert prepare.part_of(phases, part) == [*phases]


@pytest.mark.parametrize(("pending", "last"), [(["shop.0002"], "plan"), ([], "migrate")])
def test_the_process_ends_before_the_migration_if_there_is_one(prepare, monkeypatch, pending, last):
    phases = {name: lambda *_arguments: {} for name in prepare.PHASES}
    monkeypatch.setattr(prepare, "PHASES", phases | {"plan": lambda *_arguments: {"migrations": pending}})
    monkeypatch.setattr(prepare, "order", lambda *_arguments: prepare.USUAL_ORDER)
    monkeypatch.setattr(prepare, "unused", lambda _names: [])
    for name in ("dup", "dup2", "_exit"):
        monkeypatch.setattr(prepare.os, name, lambda *_arguments: None)
    output = io.StringIO()
    monkeypatch.setattr(prepare.os, "fdopen", lambda *_arguments: output)
    monkeypatch.setattr(prepare.sys, "stdin", io.StringIO("t0k3n\n"))
    prepare.main([json.dumps(OPTIONS | {"part": "before"}), "shop.wsgi:application", "/static", "default", "30"])
    assert json.loads(output.getvalue())["phase"] == last


def test_checks_find_the_static_files_that_urls_name(prepare):
    for phases in (prepare.USUAL_ORDER, prepare.ORDER_ON_NEW_DATABASES):
        assert phases.index("collectstatic") < phases.index("check") < phases.index("application")


@pytest.mark.parametrize(
    "engine", ["django.db.backends.sqlite3", "django.contrib.gis.db.backends.spatialite", "shop.SQLite"]
)
def test_a_file_as_the_database_of_several_hosts_is_refused(prepare, monkeypatch, engine):
    class ImproperlyConfigured(Exception):
        pass

    exceptions = types.SimpleNamespace(ImproperlyConfigured=ImproperlyConfigured)
    for name, module in (("django", None), ("django.core", None), ("django.core.exceptions", exceptions)):
        monkeypatch.setitem(sys.modules, name, module or types.ModuleType(name))
    known = {"default": {"ENGINE": engine}, "other": {"ENGINE": "django.contrib.gis.db.backends.postgis"}}
    prepare.require_shared(known, "other")
    with pytest.raises(ImproperlyConfigured, match=r"DATABASES\['default'\] is SQLite"):
        prepare.require_shared(known, "other,default")


@pytest.mark.parametrize(
    ("allowed", "debug", "host", "allows_none"),
    [
        ([".shop.test", "b.test"], False, "shop.test", False),
        (["*"], False, "localhost", False),
        ([], False, "localhost", True),
        ([], True, "localhost", False),
    ],
)
def test_the_host_of_the_health_check_and_whether_there_is_any(prepare, monkeypatch, allowed, debug, host, allows_none):
    settings = types.SimpleNamespace(ALLOWED_HOSTS=allowed, DEBUG=debug, STATIC_URL=None)
    monkeypatch.setitem(sys.modules, "django", types.SimpleNamespace(setup=lambda: None))
    monkeypatch.setitem(sys.modules, "django.conf", types.SimpleNamespace(settings=settings))
    found = prepare.load_settings(OPTIONS, "", "", "default", "30")
    assert found == {"health_host": host, "allows_none": allows_none, "static_url": ""}
