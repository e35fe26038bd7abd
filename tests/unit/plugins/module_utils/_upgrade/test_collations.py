"""Which collations have changed, by the versions that the old cluster has stored."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.collations import DEFAULT, changed


def other(name, actual, oid=20000):
    return {"oid": oid, "name": name, "quoted": name, "stored": actual, "actual": actual}


@pytest.mark.parametrize(
    ("stored", "actual", "found"),
    [
        ("2.36", "2.41", [DEFAULT]),
        ("2.41", "2.41", []),
        # Before PostgreSQL 15, no version was stored: it may be any.
        (None, "2.41", [DEFAULT]),
        # The order of C does not depend on a library.
        (None, None, []),
    ],
)
def test_the_collation_of_the_database(stored, actual, found):
    before, now = {"default": stored, "others": {}}, {"default": actual, "others": []}
    assert changed(before, now) == found


def test_the_collations_of_columns():
    before = {"default": None, "others": {"pg_catalog.de": "2.36", "public.own": "153.120", "pg_catalog.old": None}}
    # initdb has stored the version of today for those of the system.
    now = [
        other("pg_catalog.de", "2.41", 1),
        other("public.own", "153.120", 2),
        other("pg_catalog.old", "2.41", 3),
        other("pg_catalog.C", None, 4),
        # No column of the old cluster can have it.
        other("pg_catalog.new", "2.41", 5),
    ]
    assert changed(before, {"default": None, "others": now}) == [1, 3]
