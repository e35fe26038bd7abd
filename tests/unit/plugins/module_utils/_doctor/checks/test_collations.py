"""Indexes of PostgreSQL in an order that is not the host's any more."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import collations


@pytest.fixture
def server(monkeypatch, tmp_path):
    socket = tmp_path / "socket"
    socket.touch()
    monkeypatch.setattr(collations, "SOCKET", str(socket))
    monkeypatch.setattr(collations.shutil, "which", lambda _name: "/usr/bin/psql")

    def answers(code, text):
        monkeypatch.setattr(collations, "run_limited", lambda _argv, **_more: (code, text, ""))

    return answers


def test_each_database_with_commands(server):
    server(0, '["shop", "it\'s"]\n')
    first, second = collations.check_collations()
    assert "the database shop with another version" in first.cause
    assert "reindexdb --concurrently shop`" in first.remedy
    assert "'ALTER DATABASE \"shop\" REFRESH COLLATION VERSION'" in first.remedy
    assert "--concurrently 'it'\"'\"'s'" in second.remedy


@pytest.mark.parametrize(("code", "text"), [(0, "[]\n"), (3, ""), (-9, "")])
def test_nothing_to_report(server, code, text):
    server(code, text)
    assert collations.check_collations() == []


def test_a_host_without_a_server(server, monkeypatch):
    server(0, '["shop"]')
    monkeypatch.setattr(collations, "SOCKET", "/nonexistent")
    assert collations.check_collations() == []
