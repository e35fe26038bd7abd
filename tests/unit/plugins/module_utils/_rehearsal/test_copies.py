"""Which databases of a candidate are copied, and which end the rehearsal."""

from dataclasses import replace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.scratch import Scratch
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal import copies

APP = App("shop")
OWNERS = {"shop": "shop", "other": "other"}


@pytest.fixture(autouse=True)
def server(monkeypatch):
    monkeypatch.setattr(copies.postgresql, "owner", lambda name: OWNERS.get(name, ""))
    monkeypatch.setattr(copies.copy_server, "newest", lambda: 0)


def server_database(alias="default", name="shop", host="", vendor="postgresql"):
    return Database(alias, vendor, name, "", host, "", "")


def file_database(alias="default", path="/srv/shop/data/db.sqlite3"):
    return Database(alias, "sqlite", path, path, "", "", "")


def plan(*found):
    return copies.plan(APP, found, "/srv/shop/copies/rehearsal/data", Scratch("shop-copy"))


def test_each_database_is_copied_once():
    found = plan(server_database(), server_database("again"), file_database("files"), file_database("memory", ""))
    assert [(copy.aliases, copy.purpose, copy.where) for copy in found] == [
        (("default", "again"), "rehearsal", "shop-copy-rehearsal"),
        (("files",), "rehearsal-2", "/srv/shop/copies/rehearsal/data/db.sqlite3"),
    ]


@pytest.mark.parametrize(
    ("database", "said"),
    [
        (
            server_database(host="db.example.com"),
            "is on db.example.com, and a copy needs the programs of PostgreSQL's server on this host, which has none",
        ),
        (server_database(name="other"), "is 'other', which belongs to the role 'other' and not to 'shop'"),
        (server_database(name="none"), "is 'none', which belongs to the role '' and not to 'shop'"),
        (server_database(vendor="mysql"), "is a database of mysql; only PostgreSQL and SQLite can be rehearsed"),
        (
            file_database(path="/srv/other/data/db.sqlite3"),
            "'/srv/other/data/db.sqlite3', which is not below /srv/shop",
        ),
    ],
)
def test_what_has_no_copy_ends_the_rehearsal(database, said):
    with pytest.raises(ReleaseError, match=r"^rehearse: DATABASES\['default'\] ") as refused:
        plan(database)
    assert said in str(refused.value)
    assert "Nothing live was touched." in str(refused.value)


def test_a_database_of_another_host_needs_programs_of_its_version(monkeypatch):
    monkeypatch.setattr(copies.copy_server, "newest", lambda: 15)
    far = Database("default", "postgresql", "anything", "", "db.example.com", "", "", major=15)
    assert [copy.where for copy in plan(far)] == ["shop-copy-rehearsal"]
    with pytest.raises(ReleaseError, match=r"only those of version 15: install postgresql-17"):
        plan(replace(far, major=17))


@pytest.mark.parametrize("listed", ["", "16 main 5433 online postgres /data /log\n"])
def test_a_host_without_a_cluster_for_apps_has_no_copies(monkeypatch, listed):
    """The programs alone are there where databases of another host are copied."""
    monkeypatch.setattr(copies.shutil, "which", lambda _program: "/usr/bin/pg_lsclusters")

    def run(_command):
        return 0, listed, ""

    if listed:
        with pytest.raises(PostgresqlError, match="no cluster on port 5432"):
            copies.made(run, Scratch("shop-copy"))
    else:
        assert copies.made(run, Scratch("shop-copy")) == []
