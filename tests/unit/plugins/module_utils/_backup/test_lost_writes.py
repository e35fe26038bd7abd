"""What is said of the writes that a rollback of the databases would lose."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._backup import lost_writes


def counters(reset="a", **tables):
    return {"reset": reset, "tables": {f"public.{name}": [*numbers] for name, numbers in tables.items()}}


BEFORE = counters(cart=(7, 10, 20, 30), order=(8, 1, 1, 1))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (BEFORE, ["nothing that the database has counted"]),
        (
            counters(cart=(7, 12, 20, 33), order=(8, 1, 1, 1)),
            ["public.cart: 2 inserted, 0 changed, 3 deleted"],
        ),
        # A table of the same name that was made anew, and a new one: all that they have counted.
        (
            counters(cart=(9, 4, 0, 0), order=(8, 1, 1, 1)),
            ["public.cart: 4 inserted, 0 changed, 0 deleted"],
        ),
        (
            counters(cart=(7, 10, 20, 30), order=(8, 1, 1, 1), tag=(9, 2, 0, 0)),
            ["public.tag: 2 inserted, 0 changed, 0 deleted (a new table)"],
        ),
        (counters(order=(8, 1, 1, 1)), ["public.cart: the table is gone"]),
        # The counters began again.
        (
            counters(cart=(7, 3, 0, 0), order=(8, 1, 1, 1)),
            ["public.cart: at least 3 inserted, 0 changed, 0 deleted"],
        ),
        (
            counters("b", cart=(7, 15, 20, 30), order=(8, 1, 1, 1)),
            [
                "public.cart: at least 5 inserted, 0 changed, 0 deleted",
                "The counters were reset or the server was restarted since: it may be more.",
            ],
        ),
    ],
)
def test_what_postgresql_has_counted(now, said):
    assert lost_writes.explain(BEFORE, now) == said


def test_what_sqlite_lets_compare():
    before = {"rows": {"cart": 3, "old": 4, "same": 5}}
    now = {"rows": {"cart": 1, "new": 2, "same": 5}}
    assert lost_writes.explain(before, now) == [
        "cart: 2 fewer rows",
        "new: a new table with 2 rows",
        "old: the table is gone, with 4 rows",
        "SQLite counts no writes, so rows that were changed are not in these numbers.",
    ]


@pytest.mark.parametrize(("before", "now"), [({}, BEFORE), (BEFORE, {}), (BEFORE, {"rows": {}})])
def test_a_database_that_does_not_answer(before, now):
    assert lost_writes.explain(before, now) == ["unknown: the database did not say how much was written"]


def test_many_tables_are_counted():
    now = counters(**{f"t{number}": (number + 1, 1, 0, 0) for number in range(40)})
    said = lost_writes.explain(counters(), now)
    assert (len(said), said[-1]) == (31, "and 10 more tables")


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        "rows",
        {},
        {"tables": {}},
        {"rows": {"a": "many"}},
        {"rows": {"a": float("inf")}},
        {"reset": "", "tables": {"a": [1, 2]}},
        {"reset": "", "tables": {"a": 1}},
    ],
)
def test_a_forged_report_is_nothing(given):
    assert lost_writes.checked(given) == {}


def test_control_characters_of_a_name_are_not_shown():
    (said, _note) = lost_writes.explain({"rows": {}}, {"rows": {"\x1b[31m": 1}})
    assert "\x1b" not in said
