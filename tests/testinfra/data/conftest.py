"""One app, `ledger`, with the data services that its entry names. Most tests run on one of the hosts, in turns."""

import sys
from pathlib import Path

import pytest
from helpers.http import Visitor
from helpers.long import share_out_each, take_long_tests

PARTS = ("", "_copies", "_doctor", "_lost", "_way_back")
REMOTE = ("test_managed.py", *(f"test_remote{part}.py" for part in PARTS))
sys.path[:0] = [str(Path(__file__).parent)]


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with GATEHOUSE_LONG")


def pytest_collection_modifyitems(config, items):
    take_long_tests(config, items)
    # Only one host has an app whose services are on the other one.
    others = [item for item in items if item.path.name in REMOTE and "bookworm" in item.name]
    items[:] = [item for item in items if item not in others]
    config.hook.pytest_deselected(items=others)
    share_out_each(config, items, lambda item: item.path.name not in REMOTE)


@pytest.fixture
def undo(host):
    """Commands that put the host back, the last one first. Unlike the driver's, it survives a reboot."""
    commands = []
    yield commands.append
    for command in reversed(commands):
        host.check_output(command)


@pytest.fixture
def ledger(address):
    return Visitor(address, "ledger.example.test")


TRAP = """
CREATE SCHEMA trap;
CREATE FUNCTION trap.spring() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
  IF current_setting('is_superuser') = 'on' THEN CREATE ROLE sprung; END IF;
  RETURN true;
END $$;
CREATE FUNCTION trap.equal(a name, b name) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
  RETURN trap.spring() AND a OPERATOR(pg_catalog.=) b;
END $$;
CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.equal);
CREATE VIEW trap.pg_extension AS SELECT * FROM pg_catalog.pg_extension WHERE trap.spring();
ALTER DATABASE ledger SET search_path = trap, public, pg_catalog;
"""
NO_TRAP = "ALTER DATABASE ledger RESET search_path; DROP SCHEMA IF EXISTS trap CASCADE; DROP ROLE IF EXISTS sprung"


@pytest.fixture
def trap(host, undo):
    """The search_path leads to a view and an operator of the app, which make a role `sprung` as the superuser."""
    undo(f"cd / && runuser -u postgres -- env PGOPTIONS='-c search_path=pg_catalog' psql -qd ledger -c '{NO_TRAP}'")
    host.check_output("cd / && runuser -u ledger -- psql -qd ledger --set=ON_ERROR_STOP=1 -c %s", TRAP)
