"""The settings of a process that works on copies of the data."""

import json
import runpy
import sys
import types
from pathlib import Path

import pytest

COPY = Path(__file__).resolve().parents[4] / "roles/django_app/files/gatehouse_copy.py"
LIVE = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "shop", "PASSWORD": "s3cr3t", "PORT": "5433"}
COPIED = {"NAME": "shop-copy-rehearsal", "USER": "shop-copy"}


@pytest.fixture
def settings(monkeypatch):
    def load(copies=None, **given):
        release = types.ModuleType("gatehouse_settings")
        vars(release).update({"DATABASES": {"default": LIVE}, **given})
        monkeypatch.setitem(sys.modules, "gatehouse_settings", release)
        copies = copies or {"aliases": {}, "names": {"shop": COPIED}}
        monkeypatch.setenv("GATEHOUSE_COPIES", json.dumps(copies))
        return runpy.run_path(str(COPY))

    return load


def test_the_copy_is_in_the_place_of_the_live_database(settings):
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop"}
    other = {**LIVE, "NAME": "other"}
    found = settings(DATABASES={"default": LIVE, "file": sqlite, "other": other})["DATABASES"]
    copy = {**LIVE, "NAME": "shop-copy-rehearsal", "USER": "shop-copy", "PASSWORD": "", "HOST": "", "OPTIONS": {}}
    assert found["default"] == copy
    # The directory with its file is another one. The user has no rights in another database.
    assert (found["file"], found["other"]) == (sqlite, other)


@pytest.mark.parametrize(("host", "socket"), [("localhost", ""), ("127.0.0.1", ""), ("/run/other", "/run/other")])
def test_the_copy_is_reached_without_a_network(settings, host, socket):
    assert settings(DATABASES={"default": {**LIVE, "HOST": host}})["DATABASES"]["default"]["HOST"] == socket


def test_two_databases_of_one_name_have_copies_of_their_own(settings):
    place = {"USER": "shop-copy", "HOST": "/run/postgresql", "PORT": "5432"}
    aliases = {alias: {"NAME": f"shop-copy-{alias}", **place} for alias in ("default", "replica")}
    databases = {
        "default": LIVE | {"HOST": "db1"},
        "replica": LIVE | {"HOST": "db2"},
        "other": LIVE | {"HOST": "/run/other"},
    }
    copies = {"aliases": aliases, "names": {"shop": aliases["default"]}}
    found = settings(copies, DATABASES=databases)["DATABASES"]
    assert [one["NAME"] for one in found.values()] == ["shop-copy-default", "shop-copy-replica", "shop-copy-default"]
    assert {(one["HOST"], one["PORT"]) for one in found.values()} == {("/run/postgresql", "5432")}


def test_no_option_leads_to_another_server(settings):
    options = {"host": "db.example.com", "port": 6432, "service": "live", "sslmode": "verify-full", "pool": True}
    options |= {"channel_binding": "require", "target_session_attrs": "read-write", "assume_role": "shop_owner"}
    found = settings(DATABASES={"default": {**LIVE, "OPTIONS": options}})["DATABASES"]["default"]
    assert found["OPTIONS"] == {"sslmode": "verify-full", "pool": True}


def test_no_mail_no_shared_cache_no_tasks(settings):
    found = settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        CACHES={"sessions": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}},
        CELERY_BROKER_URL="redis://live",
        CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}},
        DEBUG=False,
    )
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.dummy.EmailBackend"
    assert set(found["CACHES"]) == {"default", "sessions"}
    assert {cache["BACKEND"] for cache in found["CACHES"].values()} == {"django.core.cache.backends.locmem.LocMemCache"}
    assert found["CELERY_BROKER_URL"] == "memory://"
    assert found["CHANNEL_LAYERS"] == {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    assert found["DEBUG"] is False


def test_what_a_project_does_not_have_is_not_added(settings):
    assert not {"CHANNEL_LAYERS", "BROKER_URL", "CELERY_BROKER_URL"} & set(settings())
