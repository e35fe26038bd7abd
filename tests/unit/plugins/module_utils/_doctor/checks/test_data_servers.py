"""Servers that refuse an app: one finding for each cause, also if the host's own server is the reason."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import data_servers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.data_servers.local import State

ELSEWHERE = {"kind": "database", "label": "default", "vendor": "postgresql", "host": "192.0.2.9", "error": "refused"}
HERE = {**ELSEWHERE, "host": "", "error": ""}
URL = "postgresql://shop:x@192.0.2.9/shop?sslrootcert=/etc/gatehouse/authorities/db1.pem"
NOTHING = State()
FULL = State("the file system of /pg is full", "Make space", is_space=True)


@pytest.fixture
def check(doctor_host, release, tmp_path, monkeypatch):
    """check(servers, state): the causes, and how often the app was asked."""
    monkeypatch.setattr(data_servers, "App", lambda name: App(name, str(tmp_path)))
    monkeypatch.setattr(data_servers.asking, "command", lambda *_options: ["ask"])
    (release / "env").write_text(f'DATABASE_URL="{URL}"\n')
    (release / "venv/lib/python3.13/site-packages/psycopg").mkdir(parents=True)

    def check(servers, state=NOTHING):
        monkeypatch.setattr(data_servers.local, "examine", lambda _host: state)
        asked = []

        def run(argv, data):
            asked.append(argv)
            return 0, json.dumps(servers), ""

        host = doctor_host("")
        found = [data_servers.check_data_servers(host, "shop.test", "shop", run) for _time in range(2)]
        assert found[0] == found[1]
        return [one.cause for one in found[0]], len(asked)

    return check


def test_an_app_is_asked_once_in_a_diagnosis(check):
    assert check([HERE]) == ([], 1)


def test_the_host_of_the_inventory_is_named(check):
    (cause,), _asked = check([ELSEWHERE, {**ELSEWHERE, "label": "other"}])
    assert cause.startswith("The app shop cannot use its database on db1 (192.0.2.9:5432): ")


@pytest.mark.parametrize(
    ("error", "state", "cause"),
    [
        # It can connect, but not write.
        ("", FULL, "PostgreSQL of this host has no space for app shop: the file system of /pg is full."),
        ("could not write init file: No space left", FULL, "PostgreSQL of this host has no space"),
        ("Connection refused", State("it is failed", "x"), "The database of app shop does not run: it is failed."),
        # The app's own error.
        ('FATAL: role "x" does not exist', FULL, "The app shop cannot use its database at the unix socket"),
        ("Connection refused", NOTHING, "The app shop cannot use its database at the unix socket"),
    ],
)
def test_the_server_of_the_host(check, error, state, cause):
    (found,), _asked = check([{**HERE, "error": error}], state)
    assert found.startswith(cause)


def test_a_broker_of_this_host_is_left_to_the_check_of_its_workers(check):
    broker = {"kind": "broker", "label": "BROKER_URL", "vendor": "redis", "error": "Connection refused"}
    assert check([broker | {"host": "127.0.0.1", "port": "6379"}])[0] == []
    assert len(check([broker | {"host": "192.0.2.9", "port": "6379"}])[0]) == 1
