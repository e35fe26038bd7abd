"""What is said of a migration, from its own untrusted report and from what was seen outside."""

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal import findings
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.findings import Migration

TOKEN = "t0k3n"
ONE = {"name": "shop.0002_more", "alias": "default", "is_atomic": True, "began": 100.0, "ended": 131.2}
LOCK = {"table": "shop_order", "mode": "AccessExclusiveLock", "seconds": 31.0}


def report(**changes):
    return "noise\n" + json.dumps({"token": TOKEN, "migrations": [{**ONE, "locks": [LOCK], **changes}]})


def test_a_report():
    (found,) = findings.read(report(), TOKEN)
    assert found.sentence(has_locks=True) == ("shop.0002_more: 31.2 s; holds ACCESS EXCLUSIVE on shop_order for 31.0 s")
    assert list(findings.refusals([found], 5.0)) == [
        "shop.0002_more holds ACCESS EXCLUSIVE on shop_order for 31.0 s, and readers and writers wait so long "
        "(refuse_locks_over: 5 s)."
    ]
    assert list(findings.refusals([found], 31.0)) == []
    assert list(findings.refusals([found], None)) == []


@pytest.mark.parametrize(
    "output",
    [
        "",
        "no json",
        report().replace(TOKEN, "forged"),
        report(name="no migration"),
        report(name="shop.0002\u001b[31m"),
        report(began="x"),
        report(locks=[{"table": "t"}]),
        '{"token": "t0k3n"}',
        "[" * 100_000,
    ],
)
def test_another_report_is_none(output):
    assert findings.read(output, TOKEN) is None


def test_a_migration_that_failed_has_no_end():
    text = json.dumps({"token": TOKEN, "migrations": [{key: ONE[key] for key in ONE if key != "ended"}]})
    (found,) = findings.read(text, TOKEN)
    assert found.ended is None
    assert found.sentence(has_locks=True).startswith("shop.0002_more: failed")


def test_control_characters_of_a_table_are_escaped():
    (found,) = findings.read(report(locks=[LOCK | {"table": "a\u001b[31m"}]), TOKEN)
    assert "a\\x1b[31m" in found.sentence(has_locks=True)


def seen(*locks, rewrites=()):
    return {
        "locks": [dict(zip(("table", "mode", "first", "last"), lock, strict=True)) for lock in locks],
        "rewrites": [dict(zip(("table", "at"), one, strict=True)) for one in rewrites],
    }


def migrations():
    return [
        Migration("shop.0002", "default", 100.0, 110.0),
        Migration("shop.0003", "default", 110.2, 120.0, is_atomic=False),
        Migration("shop.0002", "queue", 120.2, 121.0),
    ]


def test_what_was_seen_belongs_to_the_migration_of_that_moment():
    """A report that hides a lock does not hide it."""
    found = migrations()
    locks = [("a", "ShareLock", 101.0, 105.0), ("b", "AccessExclusiveLock", 111.0, 113.5), ("b", "RowShareLock", 1, 2)]
    findings.add_seen(found, ("default",), seen(*locks, rewrites=[("b", 112.0), ("b", 113.0)]))
    assert [one.sentence(has_locks=True) for one in found] == [
        "shop.0002: 10.0 s; holds SHARE on a for 4.0 s",
        "shop.0003: 9.8 s; holds ACCESS EXCLUSIVE on b for 2.5 s; rewrites b; not atomic, so its locks are sampled",
        "shop.0002 (database queue): 0.8 s; locks no table",
    ]


def test_a_lock_belongs_to_the_migration_that_holds_it_and_not_to_the_one_before():
    found = [Migration("shop.0002", "default", 100.0, 100.2), Migration("shop.0003", "default", 100.21, 117.0)]
    findings.add_seen(found, ("default",), seen(("a", "ShareLock", 100.22, 116.9), rewrites=[("a", 100.205)]))
    assert found[0].locks == {}
    assert found[1].locks == {("a", "ShareLock"): pytest.approx(16.68)}


def test_what_no_migration_explains_is_shown_too():
    found = migrations()
    findings.add_seen(found, ("default",), seen(("a", "ExclusiveLock", 120.5, 130.5)))
    assert found[-1].sentence(has_locks=True) == "after the migrations: 0.0 s; holds EXCLUSIVE on a for 10.0 s"
    assert "and writers wait so long" in next(findings.refusals(found, 1.0))


def test_a_lock_under_a_stronger_one_is_not_repeated():
    one = Migration("shop.0002", "default", 0.0, 9.0)
    for mode, seconds in (("ShareLock", 5.05), ("AccessExclusiveLock", 5.0), ("ShareRowExclusiveLock", 7.0)):
        one.add("a", mode, seconds)
    assert one.strongest() == [("a", "AccessExclusiveLock", 5.0), ("a", "ShareRowExclusiveLock", 7.0)]


@pytest.mark.parametrize(("seconds", "is_said"), [(0.9, False), (3.0, True)])
def test_a_long_transaction_that_writes_rows_is_said_but_not_refused(seconds, is_said):
    one = Migration("shop.0002", "default", 0.0, 9.0)
    one.add("a", "RowExclusiveLock", seconds)
    said = "; writes rows in one transaction, and other writers of these wait: a (3.0 s)" if is_said else ""
    assert one.sentence(has_locks=True) == f"shop.0002: 9.0 s; locks no table{said}"
    assert list(findings.refusals([one], 0.5)) == []


def test_sqlite_has_no_locks_of_tables():
    one = Migration("shop.0002", "default", 0.0, 1.0)
    assert one.sentence(has_locks=False) == "shop.0002: 1.0 s; locks are not applicable to SQLite"


@pytest.mark.parametrize(
    ("mode", "words"), [("ShareUpdateExclusiveLock", "SHARE UPDATE EXCLUSIVE"), ("ShareLock", "SHARE")]
)
def test_modes_are_written_as_postgresql_does(mode, words):
    assert findings.words(mode) == words
