"""Which data is copied, and what would lose data."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import copies
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.copies import Copy
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import Refused
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.settings import Database, Project

APP = App("shop")
SQLITE = Database("django.db.backends.sqlite3", "/home/deploy/db.sqlite3", is_file=True, size=5)
SERVER = Database("django.db.backends.postgresql", "shop", "localhost", "5432")
MOVED = Database("django.db.backends.sqlite3", "/srv/shop/data/db.sqlite3", is_file=True)


def project(database, media="", media_size=-1, key="k"):
    return Project("hand.settings", {"default": database}, media, media_size, key)


def test_files_go_where_the_settings_of_gatehouse_put_them():
    assert copies.plan(project(SQLITE, "/home/deploy/media", 7), APP) == [
        Copy("/home/deploy/db.sqlite3", "/srv/shop/data/db.sqlite3", 5, "default"),
        Copy("/home/deploy/media", "/srv/shop/data/media", 7),
    ]


def test_files_go_where_the_app_looks_for_them():
    new = project(Database("x.sqlite3", "/srv/shop/data/more/x", is_file=True), "/srv/shop/data/files", 0)
    found = copies.plan(project(SQLITE, "/home/deploy/media", 7), APP, new)
    assert [copy.destination for copy in found] == ["/srv/shop/data/more/x", "/srv/shop/data/files"]


def test_a_database_of_a_server_stays_where_it_is():
    other = Database("django.db.backends.postgresql", "shop", "127.0.0.1", "")
    assert copies.plan(project(SERVER), APP, project(other)) == []
    assert copies.plan(project(SERVER), APP) == []


def test_what_does_not_exist_is_not_copied():
    missing = Database(SQLITE.engine, SQLITE.name, is_file=True, size=-1)
    assert copies.plan(project(missing, "/home/deploy/media"), APP, project(MOVED, "/srv/shop/data/media")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (SQLITE, SERVER),
        (SERVER, MOVED),
        (SERVER, Database("django.db.backends.postgresql", "other", "localhost")),
        (SERVER, Database("django.db.backends.postgresql", "shop", "db.example.com")),
        (SERVER, Database("django.db.backends.mysql", "shop", "localhost")),
    ],
)
def test_another_database_is_refused(old, new):
    with pytest.raises(Refused, match="Give the app the same one"):
        copies.plan(project(old), APP, project(new))


@pytest.mark.parametrize("path", ["/home/deploy/db.sqlite3", "/srv/shop/data/../x", "/srv/shop/database/x"])
def test_a_place_outside_of_the_apps_data_is_refused(path):
    new = Database("django.db.backends.sqlite3", path, is_file=True)
    with pytest.raises(Refused, match="is not below /srv/shop/data"):
        copies.plan(project(SQLITE), APP, project(new))


def test_copies_that_do_not_fit_are_refused(tmp_path):
    state = os.statvfs(tmp_path)
    size = state.f_bavail * state.f_frsize * 2 // 3
    copies.check_space([Copy("/a", "/b", size)], str(tmp_path))
    with pytest.raises(Refused, match=r"MiB left\. Nothing was changed"):
        copies.check_space([Copy("/a", "/b", size, "default")], str(tmp_path))


def test_another_secret_key_is_a_warning():
    assert copies.warnings(project(SQLITE), project(SQLITE)) == []
    assert "log in again" in copies.warnings(project(SQLITE), project(SQLITE, key="other"))[0]
