"""What closes the way back although no page shows it: columns that are gone, and columns that an INSERT must name."""

import sqlite3

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.schema import (
    END,
    SQLITE,
    closed,
    columns,
    read_models,
)

MODELS = {"shop_order": ["id", "text"]}
BEFORE = {("shop_order", "id"): False, ("shop_order", "text"): True}


def taken(need):
    return f"The way back is closed: the release that is served needs {need}, which the migrations take away. {END}"


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (BEFORE, []),
        (BEFORE | {("shop_order", "note"): False}, []),
        ({("shop_order", "id"): False}, [taken("the column shop_order.text")]),
        ({}, [taken("the table shop_order")]),
        # Tables of others, and new ones.
        (BEFORE | {("shop_item", "id"): True}, []),
    ],
)
def test_what_is_taken_away(after, said):
    assert closed(MODELS, BEFORE, after) == said


def test_a_required_column_refuses_rows_of_the_older_release():
    after = BEFORE | {("shop_order", "sum"): True, ("shop_order", "note"): True}
    assert closed(MODELS, BEFORE, after) == [
        "The way back is closed: the release that is served cannot add rows to shop_order, because it does not know "
        "the columns note, sum there, which the migrations require without a default in the database (a field's "
        f"db_default makes one). {END}"
    ]


def test_a_column_that_the_release_has_left_to_the_database_and_that_gets_required():
    before = BEFORE | {("shop_order", "old"): False}
    assert "know the column old there" in closed(MODELS, before, before | {("shop_order", "old"): True})[0]
    # It was so before, so the migrations do not change it.
    before |= {("shop_order", "old"): True}
    assert closed(MODELS, before, before) == []


def test_a_column_of_two_phases_is_not_missed():
    """The release that is served does not know it any more."""
    before = BEFORE | {("shop_order", "gone"): False}
    assert closed(MODELS, before, BEFORE) == []


def test_a_table_that_was_not_found_before_says_nothing():
    assert closed({"other": ["id"]}, BEFORE, BEFORE) == []


def test_names_are_harmless_and_few():
    models = {"shop": [f"c{number}\x1b" for number in range(30)], "kept": ["id"]}
    before = {("shop", name): False for name in models["shop"]}
    found = closed(models, before, {("shop", "new"): False})
    assert len(found) == 11
    assert "\x1b" not in "".join(found)
    assert found[-1] == "The way back is closed by 20 more changes of this kind."


@pytest.mark.parametrize("printed", ["", "[]", "null", '{"a": 1}', "[" * 100_000, "{"])
def test_a_report_that_is_none(printed):
    assert read_models(printed) is None


def test_a_report():
    assert read_models('{"shop_order": ["id", "text"]}\n') == MODELS


def test_sqlite_names_what_an_insert_must_name():
    database = sqlite3.connect(":memory:")
    database.execute(
        "CREATE TABLE t (id integer NOT NULL PRIMARY KEY, a text NOT NULL, b text, c text NOT NULL DEFAULT 'x',"
        " d text GENERATED ALWAYS AS (a) STORED NOT NULL)"
    )
    found = columns(database.execute(SQLITE))
    assert found == {("t", name): name == "a" for name in ("id", "a", "b", "c", "d")}
