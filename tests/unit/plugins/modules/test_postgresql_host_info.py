"""What the module postgresql_host_info says of databases without data."""

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import Cluster, PostgresqlError
from ansible_collections.gatehouse.django.plugins.modules.postgresql_host_info import look, refuse_empty

GONE = "shop: its database is gone."


def wanted(name, refuse_empty=""):
    options = {"extensions": [], "connections": 50, "adopt": False, "remote": True}
    return {"name": name, "refuse_empty": refuse_empty, **options}


def server(relations):
    """Runs psql; each database that *relations* names has so many tables."""
    made = {"comment": "Made by Gatehouse", "connections": 50, "is_plain": True}
    database = {"encoding": "UTF8", "is_open": False}
    state = {
        "roles": dict.fromkeys(relations, made),
        "databases": {name: database | {"owner": name} for name in [*relations, "template1"]},
        **{"rules": [], "pending": [], "max_connections": 100, "sessions": 0},
    }

    def run(argv, data="", **_options):
        name = next(word for word in argv if word.startswith("--dbname=")).removeprefix("--dbname=")
        answer = {"relations": relations[name], "extensions": ["plpgsql"]} if name in relations else state
        return 0, json.dumps(answer), ""

    return run


def looked(relations, *databases):
    cluster = Cluster("17", "main", is_online=True, data="/var/lib/postgresql/17/main")
    return look(server(relations), cluster, list(databases), installed_now=False)


def test_a_database_without_tables_is_empty_like_one_that_is_missing():
    found = looked({"shop": 2, "blog": 0}, wanted("shop"), wanted("blog"), wanted("news"))
    assert found["empty"] == ["blog", "news"]
    assert [one["name"] for one in found["databases"]] == ["news"]


@pytest.mark.parametrize("relations", [{}, {"shop": 0}])
def test_one_that_must_have_data_is_refused(relations):
    with pytest.raises(PostgresqlError, match=GONE):
        looked(relations, wanted("shop", refuse_empty=GONE))


def test_one_with_data_or_without_the_text_is_not_refused():
    assert looked({"shop": 1}, wanted("shop", refuse_empty=GONE))["empty"] == []
    refuse_empty([wanted("shop"), wanted("blog", refuse_empty=GONE)], ["shop"])
