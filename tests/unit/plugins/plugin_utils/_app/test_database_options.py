"""The option `database` of an app."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.database_options import (
    connections,
    database,
    environment,
    of_database,
)

APP = {
    **{"app": "shop", "database": "postgresql", "environment": {}, "secrets": {}},
    **{"interface": "wsgi", "workers": 0, "threads": 4, "processes": [], "timers": []},
}
STREETS = {"engine": "postgresql", "extensions": ["postgis", "address_standardizer_data_us"]}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"database": ""},
        {"database": "postgresql"},
        {
            "database": {
                "engine": "postgresql",
                "extensions": ["pg_trgm", "uuid-ossp"],
                "connections": 80,
                "adopt": True,
            }
        },
        {"database": {"engine": "postgresql", "connections": "80"}},
        {"database": "postgresql", "secrets": {"DATABASE_URL": "postgis:///shop"}},
        {"database": STREETS, "migration_snapshots": False, "backup": {}, "rehearse": False},
        {"database": {**STREETS, "extensions": ["postgis"]}, "backup": {"password": "x"}},
        {"database": "postgresql", "environment": {"DATABASE_URL": "postgres://shop@%2Fvar%2Frun%2Fpostgresql/shop"}},
    ],
)
def test_valid(given):
    assert list(of_database({"name": "shop"} | given)) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"database": "mysql"}, ["database: engine 'mysql' is not supported. Use 'postgresql'"]),
        ({"database": ["postgresql"]}, ["database: must be 'postgresql', or a dictionary"]),
        ({"database": {"extensions": []}}, ["database: engine '' is not supported"]),
        ({"database": {"engine": "postgresql", "host": ""}}, ["database: host '' must be the name of a host"]),
        ({"database": {"engine": "postgresql", "host": ["db1"]}}, ["database: host '['db1']' must be the name"]),
        (
            {"database": {"engine": "postgresql", "url": "postgres://shop:geheim@db/shop"}},
            ["database: for the URL of a server that exists, write DATABASE_URL in secrets"],
        ),
        *(
            (
                {"database": {"engine": "postgresql", "host": "db1"}, option: {"DATABASE_URL": url}},
                ["generated password"],
            )
            for option, url in (("secrets", "postgres://shop:geheim@db1/shop"), ("environment", "postgres:///shop"))
        ),
        ({"database": {"engine": "postgresql", "extension": []}}, ["database: unknown key 'extension'", "extensions"]),
        ({"database": {"engine": "postgresql", "extensions": "a"}}, ["database: extensions must be a list"]),
        ({"database": {"engine": "postgresql", "extensions": ["a; b"]}}, ["database: 'a; b' is not the name of an"]),
        (
            {"database": STREETS, "migration_snapshots": True, "backup": {"password": "x"}},
            [
                "with the extension 'address_standardizer_data_us' cannot be",
                "remove 'backup' and set 'migration_snapshots: ",
            ],
        ),
        (
            {"database": {"engine": "postgresql", "extensions": ["postgis", "postgis_topology"]}},
            ["database: extension 'postgis_topology' is not supported."],
        ),
        ({"database": {"engine": "postgresql", "connections": 0}}, ["database: connections '0' must be"]),
        (
            {"database": {"engine": "postgresql", "connections": 10_001}},
            ["database: connections '10001' must be a whole number from 1 to 10000."],
        ),
        ({"database": {"engine": "postgresql", "adopt": "maybe"}}, ["database: adopt 'maybe' must be true or false"]),
        ({"database": "postgresql", "name": "pg_shop"}, ["database: 'pg_shop' is a name of PostgreSQL's own"]),
        *(
            ({"database": "postgresql", "secrets": {"DATABASE_URL": url}}, ["secrets: DATABASE_URL names another"])
            for url in (
                *("postgres://shop:geheim@db/shop", "postgres:///other", "sqlite:///shop", "postgres://[geheim/shop"),
                *("postgres://shop:geheim@/shop", "postgres://localhost/shop"),
            )
        ),
    ],
)
def test_refused(given, words):
    found = "\n".join(of_database({"name": "shop"} | given))
    assert all(word in found for word in words), found
    assert "geheim" not in found


def test_the_url_of_the_database():
    assert environment(APP) == {"DATABASE_URL": "postgresql://shop@/shop"}
    spatial = APP | {"database": {"engine": "postgresql", "extensions": ["postgis"]}}
    assert environment(spatial) == {"DATABASE_URL": "postgis://shop@/shop"}


def test_the_url_of_the_inventory_stays():
    given = {"DATABASE_URL": "postgis:///shop"}
    assert environment(APP | {"environment": given}) == given
    assert environment(APP | {"secrets": given}) == {}
    assert environment(APP | {"database": ""}) == {}


def test_connections_fit_two_releases_and_the_other_processes():
    assert connections(APP, cpus=2) == 2 * 3 * 4 + 10
    other = {"workers": 5, "threads": 2, "processes": [{}, {}], "timers": [{}]}
    assert connections(APP | other, cpus=8) == 2 * 5 * 2 + 2 * 10 + 2 + 10
    assert connections(APP | {"interface": "asgi"}, cpus=2) == 2 * 3 * 20 + 10


def test_the_database_for_the_role():
    assert database(APP, 2) == {"name": "shop", "extensions": [], "connections": 34, "adopt": False, "remote": False}
    entry = {"engine": "postgresql", "extensions": ["pg_trgm"], "connections": "80", "adopt": True}
    wanted = {"name": "shop", "extensions": ["pg_trgm"], "connections": 80, "adopt": True, "remote": False}
    assert database(APP | {"database": entry}, 2) == wanted


def test_hosts_that_share_a_database_share_its_connections():
    entry = {"engine": "postgresql", "host": "db1"}
    assert database(APP | {"database": entry}, 2, hosts=3)["connections"] == 3 * 34
    assert database(APP | {"database": entry}, 2)["remote"]
    assert database(APP | {"database": {**entry, "connections": 50}}, 2, hosts=3)["connections"] == 50
    assert environment(APP | {"database": entry}) == {}
