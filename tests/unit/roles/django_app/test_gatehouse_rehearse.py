"""What a process that applies migrations to a copy notes of their locks. PostgreSQL's own part is in testinfra/data."""

import importlib.util
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

FILES = Path(__file__).resolve().parents[4] / "roles/django_app/files"


@pytest.fixture
def rehearse(monkeypatch):
    monkeypatch.syspath_prepend(str(FILES))
    spec = importlib.util.spec_from_file_location("gatehouse_rehearse", FILES / "gatehouse_rehearse.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: clock.now)
    module.clock = clock
    return module


class Connection:
    """A connection of Django in whose transaction *held* are the locks."""

    def __init__(self):
        self.held, self.in_atomic_block, self.looks, self.wrappers = [], True, 0, []
        self._commit = self._rollback = self.held.clear
        self.connection = SimpleNamespace(cursor=lambda: nullcontext(self))

    def execute(self, _sql):
        self.looks += 1

    def fetchall(self):
        return list(self.held)

    @contextmanager
    def execute_wrapper(self, wrapper):
        self.wrappers.append(wrapper)
        try:
            yield
        finally:
            self.wrappers.pop()


@pytest.fixture
def connection():
    return Connection()


def run(rehearse, connection, sql, *locks, seconds=1.0):
    """Run a statement of *seconds* that takes these locks."""

    def execute(*_arguments):
        rehearse.clock.now += seconds
        connection.held += [lock for lock in locks if lock not in connection.held]
        return "result"

    assert connection.wrappers[-1](execute, sql, [], False, {}) == "result"


LOCK = (20_000, "AccessExclusiveLock")


def test_a_lock_is_held_from_its_statement_to_the_commit(rehearse, connection):
    locks = rehearse.Locks(connection, {20_000: "shop_order"})
    with locks.watched():
        run(rehearse, connection, "SELECT 1", seconds=5)
        run(rehearse, connection, "ALTER TABLE", LOCK, (30_000, "AccessExclusiveLock"), seconds=3)
        run(rehearse, connection, "UPDATE", seconds=2)
        connection._commit()
    # A table that did not exist before keeps no visitor waiting.
    assert locks.report() == [{"table": "shop_order", "mode": "AccessExclusiveLock", "seconds": 5}]


def test_a_lock_that_no_statement_of_django_took_is_seen_before_the_commit(rehearse, connection):
    locks = rehearse.Locks(connection, {20_000: "shop_order"})
    with locks.watched():
        run(rehearse, connection, "SELECT 1", seconds=5)
        connection.held.append(LOCK)
        rehearse.clock.now += 4
        connection._commit()
    assert locks.report() == [{"table": "shop_order", "mode": "AccessExclusiveLock", "seconds": 4}]


def test_what_is_rolled_back_does_not_count(rehearse, connection):
    locks = rehearse.Locks(connection, {20_000: "shop_order"})
    with locks.watched():
        run(rehearse, connection, "ALTER TABLE", LOCK)
        connection._rollback()
        run(rehearse, connection, "SELECT 1")
        connection._commit()
    assert locks.report() == []


def test_a_repeated_statement_is_looked_at_once(rehearse, connection):
    with rehearse.Locks(connection, {}).watched():
        for _row in range(1000):
            run(rehearse, connection, "INSERT")
    assert connection.looks == 1


def test_the_connection_is_as_before(rehearse, connection):
    commit, rollback = connection._commit, connection._rollback
    with pytest.raises(ValueError, match="fails"), rehearse.Locks(connection, {}).watched():
        raise ValueError("fails")
    assert (connection._commit, connection._rollback, connection.wrappers) == (commit, rollback, [])
