"""Migrations that wait for a lock. What PostgreSQL itself does is tested in tests/testinfra/data."""

import importlib.util
import sys
import types
from pathlib import Path

import pytest

FILES = Path(__file__).resolve().parents[4] / "roles/django_app/files"


def load(name):
    spec = importlib.util.spec_from_file_location(name, FILES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def migrate(monkeypatch):
    monkeypatch.syspath_prepend(FILES)
    module = load("gatehouse_migrate")
    module.slept = []
    monkeypatch.setattr(module.time, "sleep", module.slept.append)
    monkeypatch.setattr(module.time, "monotonic", lambda: sum(module.slept))
    return module


class DriverError(Exception):
    def __init__(self, **codes):
        vars(self).update(codes)


def failing(*errors):
    """A function that fails with each of the errors in turn, and then returns."""
    left = list(errors)

    def run():
        if left:
            raise RuntimeError("canceling statement due to lock timeout") from left.pop(0)
        return "migrated"

    return run


def test_a_migration_without_a_lock_is_tried_again(migrate):
    run = failing(DriverError(sqlstate="55P03"), DriverError(pgcode="55P03"))
    assert migrate.Attempts("default").repeat(run, lambda: True) == "migrated"
    assert migrate.slept == [1, 2]


@pytest.mark.parametrize(
    ("error", "may_repeat"),
    [(DriverError(sqlstate="42P01"), True), (DriverError(), True), (DriverError(sqlstate="55P03"), False)],
)
def test_another_error_or_a_migration_that_was_not_rolled_back_fails_at_once(migrate, error, may_repeat):
    with pytest.raises(RuntimeError):
        migrate.Attempts("default").repeat(failing(error), lambda: may_repeat)
    assert migrate.slept == []


def test_it_fails_in_the_end(migrate, monkeypatch):
    monkeypatch.setattr(migrate, "explain", lambda alias, count, seconds: f"{alias} {count} {seconds:.0f}")
    run = failing(*[DriverError(sqlstate="55P03")] * 100)
    with pytest.raises(migrate.NoLock, match="default 24 300"):
        migrate.Attempts("default").repeat(run, lambda: True)


class Driver:
    def __init__(self, status=0):
        self.info, self.executed = types.SimpleNamespace(transaction_status=status), []

    def cursor(self):
        return types.SimpleNamespace(execute=self.executed.append)


@pytest.mark.parametrize(("status", "expected"), [(0, ["SET LOCAL lock_timeout = '2s'"]), (2, [])])
def test_the_limit_is_set_once_in_a_transaction(migrate, monkeypatch, status, expected):
    monkeypatch.setitem(sys.modules, "django", types.ModuleType("django"))
    monkeypatch.setitem(sys.modules, "django.db", types.SimpleNamespace(transaction=None))
    connection = types.SimpleNamespace(in_atomic_block=True, connection=Driver(status))
    migrate.Attempts("default").limit(lambda *given: None, "ALTER TABLE x", None, False, {"connection": connection})
    assert connection.connection.executed == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0, ["BEGIN; SET LOCAL lock_timeout = '2s'; DROP TABLE x; COMMIT"] * 2),
        # A part of a transaction that an earlier statement of the migration began.
        (2, ["BEGIN; DROP TABLE x; COMMIT"]),
    ],
)
def test_a_text_with_a_transaction_of_its_own_is_tried_again(migrate, monkeypatch, status, expected):
    monkeypatch.setitem(sys.modules, "django", types.ModuleType("django"))
    monkeypatch.setitem(sys.modules, "django.db", types.SimpleNamespace(transaction=None))
    connection = types.SimpleNamespace(in_atomic_block=False, connection=Driver(status))
    run, said = failing(*[DriverError(sqlstate="55P03")] * (len(expected) - 1)), []

    def execute(sql, *_given):
        said.append(sql)
        return run()

    limit = migrate.Attempts("default").limit
    assert limit(execute, "BEGIN; DROP TABLE x; COMMIT", None, False, {"connection": connection}) == "migrated"
    assert said == expected
    assert connection.connection.executed == ["ROLLBACK"] * (len(expected) - 1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}, True),
        ({"ENGINE": "django.contrib.gis.db.backends.postgis", "NAME": "shop", "HOST": "/run/postgresql"}, True),
        ({"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "db"}, False),
        ({"ENGINE": "django.db.backends.postgresql", "NAME": "other"}, False),
        ({"ENGINE": "django.db.backends.sqlite3", "NAME": "shop"}, False),
        ({}, False),
    ],
)
def test_the_database_that_a_project_uses(given, expected):
    assert load("gatehouse_database").is_used(given, "shop") == expected


def test_a_second_deployment_waits_for_the_lock_of_the_first(migrate):
    answers = iter([False, False, True])
    migrate.wait_for(lambda: next(answers), "default")
    assert migrate.slept == [1, 1]


def test_a_second_deployment_that_waits_for_too_long_migrates_nothing(migrate):
    with pytest.raises(migrate.NoLock, match="another deployment has been migrating the database 'default'"):
        migrate.wait_for(lambda: False, "default")
    assert sum(migrate.slept) > migrate.OTHER_SECONDS


def test_the_lock_is_given_back_with_its_connection(migrate, monkeypatch):
    said = []

    class Cursor:
        execute = staticmethod(said.append)

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            return None

        def fetchone(self):
            return (True,)

    copy = types.SimpleNamespace(settings_dict={}, cursor=Cursor, close=lambda: said.append("close"))
    connection = types.SimpleNamespace(copy=lambda: copy)
    monkeypatch.setitem(sys.modules, "django", types.ModuleType("django"))
    monkeypatch.setitem(sys.modules, "django.db", types.SimpleNamespace(connections={"default": connection}))
    with pytest.raises(RuntimeError, match="failed"), migrate.locked("default"):
        raise RuntimeError("failed")
    assert said[0] == "BEGIN ISOLATION LEVEL READ COMMITTED"
    assert said[-2:] == [f"SELECT pg_try_advisory_xact_lock({migrate.LOCK_KEY})", "close"]
    assert copy.settings_dict["AUTOCOMMIT"] is True
