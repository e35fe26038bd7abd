"""Which host has the database of an app, and whether it can be dumped."""

import os
from dataclasses import replace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import service_access
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import server
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import AUTHORITIES_DIRECTORY

DATABASE = Database("default", "postgresql", "shop", "", "192.0.2.9", "", "shop", major=17)
URL = f"postgresql://shop:word@192.0.2.9/shop?sslmode=verify-full&sslrootcert={AUTHORITIES_DIRECTORY}/db1.pem"


@pytest.fixture
def app(tmp_path):
    app = App("shop", str(tmp_path))
    os.makedirs(app.release("one"))
    with open(os.path.join(app.release("one"), "env"), "w", encoding="utf-8") as file:
        file.write(f'DATABASE_URL="{URL}"\n')
    return app


def test_the_host_of_a_database_that_gatehouse_made(app):
    assert server.host_of(app, DATABASE, app.release("one")) == "db1"
    assert server.host_of(app, replace(DATABASE, port="5432"), app.release("one")) == "db1"


@pytest.mark.parametrize("changed", [{"name": "blog"}, {"user": "blog"}, {"host": "192.0.2.8"}, {"port": "5433"}])
def test_another_database_than_the_one_of_the_environment_has_none(app, changed):
    assert server.host_of(app, replace(DATABASE, **changed), app.release("one")) == ""


@pytest.mark.parametrize(
    ("version", "said"),
    [(17, ""), (18, ""), (15, "has version 15, and its server is PostgreSQL 17"), (0, "no pg_dump")],
)
def test_an_older_pg_dump_dumps_no_newer_server(monkeypatch, version, said):
    monkeypatch.setattr(service_access, "pg_dump_version", lambda: version)
    refused = server.dump_refusal(DATABASE)
    assert said in refused
    assert bool(refused) is bool(said)
