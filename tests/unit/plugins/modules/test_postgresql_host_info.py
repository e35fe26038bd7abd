"""What postgresql_host_info says of databases without data, the number of connections, and settings that wait."""

import json
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import cluster as clusters
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import settings
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import Cluster, PostgresqlError
from ansible_collections.gatehouse.django.plugins.modules.postgresql_host_info import look, refuse_empty

GONE = "shop: its database is gone."


def wanted(name, refuse_empty=""):
    options = {"extensions": [], "connections": 50, "adopt": False, "remote": True}
    return {"name": name, "refuse_empty": refuse_empty, **options}


def server(relations, **changes):
    """Runs psql; each database that *relations* names has so many tables."""
    made = {"comment": "Made by Gatehouse", "connections": 50, "is_plain": True}
    database = {"encoding": "UTF8", "is_open": False}
    state = {
        "roles": dict.fromkeys(relations, made),
        "databases": {name: database | {"owner": name} for name in [*relations, "template1"]},
        **{"rules": [], "pending": [], "max_connections": 100, "sessions": 0},
        **changes,
    }

    def run(argv, data="", **_options):
        name = next(word for word in argv if word.startswith("--dbname=")).removeprefix("--dbname=")
        answer = {"relations": relations[name], "extensions": ["plpgsql"]} if name in relations else state
        return 0, json.dumps(answer), ""

    return run


def looked(relations, *databases, installed_now=False, **changes):
    cluster = Cluster("17", "main", is_online=True, data="/var/lib/postgresql/17/main")
    return look(server(relations, **changes), cluster, list(databases), installed_now=installed_now)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The file with the settings, which is missing."""
    monkeypatch.setattr(clusters, "POSTGRESQL_CONFIGURATION", str(tmp_path))
    path = tmp_path / "17/main/conf.d/gatehouse.conf"
    path.parent.mkdir(parents=True)
    return path


def written(most):
    memory = settings.memory_of(Path("/proc/meminfo").read_text())
    return settings.render(settings.settings(memory, most))


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


@pytest.mark.parametrize("most", [100, 110, 200])
def test_a_number_of_connections_that_suffices_is_kept(file, most):
    file.write_text(written(most))
    found = looked({"shop": 1}, wanted("shop"), max_connections=most)
    assert not found["settings_differ"]


def test_it_grows_in_large_steps(file):
    file.write_text(written(100))
    found = looked({"shop": 1, "blog": 1}, wanted("shop"), wanted("blog"))
    assert found["settings_differ"]
    assert found["settings"] == written(200)


@pytest.mark.parametrize(("running", "expected"), [(100, 200), (500, 500)])
def test_the_first_file_does_not_lower_it(file, running, expected):
    assert looked({}, wanted("shop"), max_connections=running)["settings_file"] == ""
    file.write_text("")
    assert looked({}, wanted("shop"), max_connections=running)["settings"] == written(expected)


def test_a_new_server_has_room_for_more(file):
    found = looked({}, wanted("shop"), installed_now=True)
    assert found["settings_differ"]
    assert found["settings"] == written(200)


@pytest.mark.parametrize(
    ("relations", "pending", "expected"),
    [
        ({"shop": 2}, ["max_connections", "listen_addresses"], "its database 'shop' is in use"),
        ({"shop": 0}, ["max_connections"], ""),
        # Nothing of Gatehouse waits.
        ({"shop": 2}, ["listen_addresses"], ""),
    ],
)
def test_who_could_notice_a_restart(file, relations, pending, expected):
    file.write_text(written(200))
    found = looked(relations, pending=pending)
    assert found["use"] == expected
    assert found["pending"] == [name for name in pending if name == "max_connections"]
