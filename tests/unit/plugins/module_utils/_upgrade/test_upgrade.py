"""A killed upgrade is undone before the new cluster is proven, and finished from then on."""

import types

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import cluster
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import journal, upgrade
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.journal import Journal


@pytest.fixture
def note(monkeypatch, tmp_path):
    monkeypatch.setattr(journal, "UPGRADE_JOURNAL", str(tmp_path / "upgrade.json"))
    return Journal(old="15", new="17", name="main", data="/x", start="auto\n", apps=["shop"])


@pytest.mark.parametrize(("is_proven", "done"), [(False, "undo"), (True, "finish")])
def test_what_the_next_run_does(monkeypatch, note, is_proven, done):
    note.is_proven = is_proven
    note.write()
    calls = []
    for name in ("undo", "finish"):
        monkeypatch.setattr(upgrade, name, lambda _tools, found, name=name: calls.append((name, found)))
    assert upgrade.recover(None) == note
    assert calls == [(done, note)]


def test_nothing_to_recover(note):
    assert upgrade.recover(None) is None


def test_a_damaged_journal_is_no_reason_to_guess(note, tmp_path):
    (tmp_path / "upgrade.json").write_text("{")
    with pytest.raises(PostgresqlError, match="is damaged"):
        upgrade.recover(None)


def test_meanwhile_no_one_is_told_to_change_a_port(monkeypatch, tmp_path, note):
    note.write()
    monkeypatch.setattr(cluster, "UPGRADE_JOURNAL", str(tmp_path / "upgrade.json"))
    line = "15 main 5433 down postgres /var/lib/postgresql/15/main /var/log/x.log\n"
    with pytest.raises(PostgresqlError, match="An upgrade of PostgreSQL works on this host, or was interrupted"):
        cluster.find(lambda argv: (0, line, ""))


def test_a_cluster_that_got_its_port_back_by_hand_is_not_replaced_by_older_data(monkeypatch, note):
    revived = types.SimpleNamespace(label="15/main", port=upgrade.PORT)
    proven = types.SimpleNamespace(label="17/main", port=5433)
    monkeypatch.setattr(upgrade.clusters, "require", lambda version, _name: revived if version == "15" else proven)
    with pytest.raises(PostgresqlError, match=r"15/main got port 5432 back by hand.*Nothing was changed"):
        upgrade.finish(None, note)
