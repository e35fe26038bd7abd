"""What prevents an upgrade of PostgreSQL, each with its remedy."""

import os
import re
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import look
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.clusters import Server

LIVE = Server("15", "main", "5432", "/var/lib/postgresql/15/main", is_online=True)
FINE = {
    **{"is_standby": False, "slots": [], "standbys": 0, "subscriptions": [], "prepared": [], "tablespaces": []},
    **{"closed": [], "invalid": [], "port_file": "/etc/postgresql/15/main/postgresql.conf"},
}
PROBLEMS = [
    ({"is_standby": True}, "upgrade its primary"),
    ({"slots": ["replica"]}, "slots: replica; connected: 0"),
    ({"standbys": 1}, "slots: none; connected: 1"),
    ({"subscriptions": ["news"]}, r"subscriptions \(news\)"),
    ({"prepared": ["a-1"]}, r"prepared transactions \(a-1\): COMMIT PREPARED"),
    ({"tablespaces": ["fast"]}, r"tablespaces \(fast\)"),
    ({"closed": ["shop"]}, 'ALTER DATABASE "shop" ALLOW_CONNECTIONS true'),
    ({"invalid": ["half"]}, "'half' is what an interrupted DROP DATABASE has left"),
    (
        {"port_file": "/etc/postgresql/15/main/conf.d/port.conf"},
        "write it into /etc/postgresql/15/main/postgresql.conf",
    ),
    ({"port_file": ""}, "an argument of its start"),
]


@pytest.mark.parametrize(("found", "message"), PROBLEMS)
def test_what_cannot_be_upgraded_is_named_with_a_remedy(found, message):
    (problem,) = look.problems(LIVE, {**FINE, **found})
    assert re.search(message, problem)


def test_nothing_prevents_it():
    assert list(look.problems(LIVE, FINE)) == []


def test_a_name_cannot_control_the_terminal():
    (problem,) = look.problems(LIVE, {**FINE, "closed": ["a\x1b[2Jb"]})
    assert "\x1b" not in problem


@pytest.mark.parametrize(("free", "copies", "fits"), [(10, 2, True), (2, 2, False), (2, 1, True)])
def test_the_copies_must_fit(monkeypatch, tmp_path, free, copies, fits):
    live = Server("15", "main", "5432", f"{tmp_path}/15/main", is_online=True)
    size = 1 << 30
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_bavail=free, f_frsize=1 << 30))
    said = look.room(live, "17", size, copies)
    assert (said == "") is fits
    if not fits:
        assert f"the file system of {tmp_path} has 2048 MB free; 2 more copies" in said
