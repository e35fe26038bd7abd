"""Which texts of migrations get a limit for their locks. What PostgreSQL does is tested in tests/testinfra/data."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[4] / "roles/django_app/files/gatehouse_locking.py"
LIMIT = "; SET LOCAL lock_timeout = '2s'"


@pytest.fixture(scope="module")
def limitable():
    spec = importlib.util.spec_from_file_location("gatehouse_locking", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda text: module.limitable(text, 2)


@pytest.mark.parametrize(
    "text",
    [
        'ALTER TABLE "x" ADD y int',
        "DROP TABLE x",
        "create unique index a on x (y)",
        "DROP INDEX IF EXISTS a;",
        "-- a note\nALTER TABLE x ADD y int",
        "/* CONCURRENTLY; */ ALTER TABLE x ADD y int",
        "SET search_path = a; ALTER TABLE x ADD y int",
        "SET LOCAL work_mem = '1;0'; TRUNCATE\nx",
        "UPDATE x SET y = 'COMMIT; ROLLBACK'; ALTER TABLE x ALTER y SET NOT NULL",
        "CREATE FUNCTION f() RETURNS void AS $a$ BEGIN; COMMIT; $a$; CREATE TRIGGER t BEFORE INSERT ON x EXECUTE f()",
    ],
)
def test_in_a_transaction(limitable, text):
    assert limitable(text) == (text, False)


def test_in_its_own_transaction(limitable):
    assert limitable("BEGIN; ALTER TABLE x ADD y int; COMMIT;") == (
        f"BEGIN{LIMIT}; ALTER TABLE x ADD y int; COMMIT;",
        True,
    )
    assert limitable("-- it's\nstart transaction /* ; */;\nDROP TABLE x;\nend") == (
        f"-- it's\nstart transaction /* ; */{LIMIT};\nDROP TABLE x;\nend",
        True,
    )


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TYPE x ADD VALUE 'y'",
        "UPDATE x SET y = 1",
        "UPDATE x SET y = 'a; DROP TABLE x'",
        "-- DROP TABLE x\nSELECT 1",
        "VACUUM x",
        "CREATE INDEX CONCURRENTLY a ON x (y)",
        "/* a note */ DROP INDEX concurrently a",
        "TRUNCATED",
        # Not undone together.
        "BEGIN; ALTER TABLE x ADD y int; COMMIT; ALTER TABLE x ADD z int",
        "BEGIN; ALTER TABLE x ADD y int; COMMIT; BEGIN; ALTER TABLE x ADD z int; COMMIT",
        "ALTER TABLE x ADD y int; COMMIT",
        "BEGIN",
        "DO $$ BEGIN COMMIT; END $$; ALTER TABLE x ADD y int",
        "",
    ],
)
def test_without_a_limit(limitable, text):
    assert limitable(text) is None
