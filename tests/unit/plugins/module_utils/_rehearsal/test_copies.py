"""Which databases of a candidate are copied, and which end the rehearsal."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.scratch import Scratch
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal import copies

APP = App("shop")
OWNERS = {"shop": "shop", "other": "other"}


@pytest.fixture(autouse=True)
def server(monkeypatch):
    monkeypatch.setattr(copies.postgresql, "owner", lambda name: OWNERS.get(name, ""))


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
        (server_database(host="db.example.com"), "is on db.example.com; only databases of the host's own"),
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
