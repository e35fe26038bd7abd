"""The new cluster: how it is made, and that a difference ends the upgrade."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import transfer as module
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.clusters import Server
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.transfer import prove, transfer

OLD = Server("15", "main", "5433", "/var/lib/postgresql/15/main", is_online=False)
NEW = Server("17", "main", "5432", "/var/lib/postgresql/17/main", is_online=False)
CONTENT = {"table": {"public.a": 2}, "materialized view": {}, "sequence": {}, "large objects": {"all": 0}}


@pytest.fixture
def calls(monkeypatch):
    made = []
    monkeypatch.setattr(module, "copy_settings", lambda old, major: made.append(("settings", old.label, major)))
    monkeypatch.setattr(module.clusters, "require", lambda _major, _name: NEW)
    monkeypatch.setattr(module.clusters, "free_port", lambda _taken: "5434")
    monkeypatch.setattr(module.clusters, "set_port", lambda _tools, one, port: made.append((one.label, port)))
    monkeypatch.setattr(module.clusters, "start", lambda _tools, one, *_others: one)
    monkeypatch.setattr(module.clusters, "stop", lambda _tools, one: made.append(("stop", one.label)))
    return made


def tools(code=0, out=""):
    commands = []
    return SimpleNamespace(
        attempt=lambda argv, **_more: commands.append(argv) or (code, out, ""),
        phase=lambda _name: nullcontext(),
        commands=commands,
    )


def test_pg_upgrade_copies_and_finds_nothing_of_the_owner_of_a_database(calls):
    used = tools()
    transfer(used, OLD, "17")
    (command,) = used.commands
    assert "PGOPTIONS=-c search_path=pg_catalog" in command
    assert "--method=upgrade" in command
    assert not {"--link", "--clone", "-k"} & {*command}
    assert command[-3:] == ["15", "main", "/var/lib/postgresql/17/main"]
    # The port of the apps was the first that was free.
    assert calls == [("settings", "15/main", "17"), ("17/main", "5434")]


def test_why_it_failed(calls):
    out = "WARNING:  database has a collation version mismatch\nDETAIL:  x\nChecking types  ok\n*failure*\n"
    with pytest.raises(ReleaseError, match=r"failed \(1\):\nChecking types  ok\n\*failure\*$"):
        transfer(tools(1, out), OLD, "17")


def test_a_difference_ends_it(calls, monkeypatch):
    found = {OLD: CONTENT, NEW: {**CONTENT, "table": {"public.a": 1}}}
    monkeypatch.setattr(module.rows, "count", lambda one: {"shop": found[one]})
    monkeypatch.setattr(module.collations, "stored", lambda _one: {})
    monkeypatch.setattr(module.collations, "mend", lambda *_given: pytest.fail("it went on"))
    with pytest.raises(
        PostgresqlError, match=r"17/main does not have what 15/main has: shop: table public.a had 2 and"
    ):
        prove(tools(), OLD, NEW)
