"""What the operator is told of a takeover."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import advice
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.settings import Database, Project, Unreadable

PROJECT = Project(
    "hand.settings",
    {
        "default": Database("django.db.backends.sqlite3", "/home/deploy/db.sqlite3", is_file=True, size=2**20),
        "server": Database("django.db.backends.postgresql", "shop\x1b"),
    },
)


@pytest.fixture
def advise(host_with, site, monkeypatch):
    monkeypatch.setattr(advice.settings, "read_old", lambda service: (PROJECT, None))
    return lambda text=site, is_meant=lambda server: True: advice.advise(host_with(project=text), is_meant)


def test_a_site_that_could_be_taken_over(advise, tmp_path):
    (found,) = advise()
    assert found["site"] == "hand.test"
    assert found["plan"] == [
        "hand.test: served by gunicorn.service as deploy, from /home/deploy/project, settings module hand.settings",
        "copy database 'default': /home/deploy/db.sqlite3 to /srv/APP/data/db.sqlite3 (1.0 MiB)",
        "database 'server' stays where it is: shop\\x1b (postgresql)",
        f"replace {tmp_path}/sites-enabled/project",
        "stop and disable gunicorn.socket, gunicorn.service",
    ]
    assert "-e app=APP -e confirm=APP" in found["command"]


def test_why_a_site_cannot_be_taken_over(advise, site, monkeypatch):
    (found,) = advise(site + "server { server_name hand.test other.test; }")
    assert "It cannot be taken over yet: sites: " in found["plan"][0]

    def unreadable(service):
        raise Unreadable("KeyError")

    monkeypatch.setattr(advice.settings, "read_old", unreadable)
    assert advise()[0]["plan"] == ["hand.test is served by gunicorn.service, whose settings cannot be read: KeyError"]


def test_sites_that_are_not_meant_or_not_of_django(advise, services):
    assert advise(is_meant=lambda server: False) == []
    services["gunicorn.service"] = Service("gunicorn.service", argv=("/usr/bin/wiki",), pid=7)
    assert advise() == []
