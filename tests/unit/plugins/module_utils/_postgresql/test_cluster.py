"""The cluster that apps use, and the packages of its extensions."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import (
    Cluster,
    PostgresqlError,
    find,
    psql,
    query,
)
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.extensions import packages

LINE = "{} main {} {} postgres /var/lib/postgresql/{}/main /var/log/postgresql/x.log\n"


def answers(text, code=0):
    return lambda argv, **_more: (code, text, "broken" if code else "")


def test_the_cluster_on_the_usual_port():
    text = LINE.format("15", "5433", "online", "15") + LINE.format("17", "5432", "down", "17")
    assert find(answers(text)) == Cluster("17", "main", is_online=False, data="/var/lib/postgresql/17/main")
    assert find(answers("")) is None


def test_only_other_ports():
    with pytest.raises(PostgresqlError, match=r"no cluster on port 5432.*15/main port 5433"):
        find(answers(LINE.format("15", "5433", "online", "15")))


def test_the_owner_of_a_database_does_not_choose_what_the_superuser_finds():
    command = psql("shop")
    assert command[:4] == ["runuser", "--user=postgres", "--", "env"]
    assert command[4].startswith("PGOPTIONS=-c search_path=pg_catalog -c ")
    assert "-c lock_timeout=30s" in command[4]
    assert command[-1] == "--dbname=shop"


def test_an_answer():
    assert query(answers('{"a": 1}\n'), "SELECT 1") == {"a": 1}
    with pytest.raises(PostgresqlError, match="refused a question of its superuser 'postgres': broken"):
        query(answers("", 2), "SELECT 1")


def test_packages_of_extensions(tmp_path):
    (tmp_path / "pg_trgm.control").touch()
    names = ["pg_trgm", "postgis", "postgis_topology", "vector", "some_thing"]
    wanted = ["postgresql-17-pgvector", "postgresql-17-postgis-3", "postgresql-17-some-thing"]
    assert packages(str(tmp_path), "17", names) == wanted
