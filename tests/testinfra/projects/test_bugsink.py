"""An error tracker with a database for its queue, which its own worker empties."""

import json
import uuid

import pytest
from helpers.hosts import eventually

PROJECT = """
from projects.models import Project
project, _ = Project.objects.get_or_create(name='shop', slug='shop')
print('DSN', project.id, project.sentry_key.hex)
"""
SEND = """
import sys
import sentry_sdk
sentry_sdk.init(dsn=sys.argv[1], release="1.0")
sentry_sdk.capture_message(sys.argv[2], level="error")
sentry_sdk.flush(10)
"""
TABLES = """
import sqlite3
for name in ("db", "snappea"):
    rows = sqlite3.connect(f"file:/srv/bugsink/data/{name}.sqlite3?mode=ro", uri=True).execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'")
    print(name, *sorted(name for (name,) in rows))
"""


@pytest.fixture
def project(host):
    """Identifier and key of a project."""
    said = host.check_output("/srv/bugsink/manage shell -c %s", PROJECT)
    (line,) = (line for line in said.splitlines() if line.startswith("DSN "))
    return line.split()[1:]


def test_both_databases_are_migrated(host):
    said = host.check_output("python3 -c %s", TABLES)
    tables = {name: found for name, *found in (line.split() for line in said.splitlines())}
    assert "events_event" in tables["db"]
    assert "snappea_task" in tables["snappea"]
    # Its router has it so, and nothing overrode that.
    assert "events_event" not in tables["snappea"]


def test_the_record_names_the_migrations_of_each_database(host):
    first = host.check_output("ls -tr /srv/bugsink/releases/*/release.json").split()[0]
    migrated = json.loads(host.file(first).content_string)["migrations"]
    assert "snappea.0001_initial (database snappea)" in migrated
    assert not [name for name in migrated if name.startswith("events.") and name.endswith("snappea)")]


def test_an_event_is_digested_by_the_worker_and_shown(site, client, password, project):
    number, key = project
    message = f"out of tea {uuid.uuid4()}"
    client("bugsink", SEND, f"http://{key}@bugsink.example.test/{number}", message)
    visitor = site("bugsink")
    visitor.log_in("/accounts/login/", "visitor", password)
    eventually(lambda: message in visitor.get(f"/issues/{number}/").text)
