"""What the superuser touches for a restore of an app on other hosts: the databases of the app, and no other."""

from contextlib import nullcontext

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._backup import far_database, postgresql, room
from ansible_collections.gatehouse.django.plugins.module_utils._backup.far_database import FarDatabase
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import access

KEPT = "shop_before_20261126t023000z"


UNDONE = "shop_undone_20261126t023000z"


class Server:
    """The server: the owner and the number of each database, what was done, and the hosts that can use the app's."""

    def __init__(self):
        self.owners = {"shop": "shop", "blog": "blog"}
        self.numbers = {"shop": "1", "blog": "2"}
        self.hosts, self.foreign, self.done = ["web1", "web2"], set(), []

    def add(self, name, owner="shop"):
        self.owners[name], self.numbers[name] = owner, str(10 + len(self.done))
        self.done.append(f"create {name}")

    def drop(self, name):
        del self.owners[name], self.numbers[name]
        self.done.append(f"drop {name}")

    def exchange(self, name, aside, instead, *, keep):
        for found in (self.owners, self.numbers):
            found[aside], found[name] = found.pop(name), found.pop(instead)
        if keep:
            self.owners[aside] = "postgres"
        self.owners[name] = "shop"

    def check_leftover(self, name):
        if name in self.foreign:
            raise BackupError(f"{name} is in the way")


@pytest.fixture
def server(monkeypatch, tmp_path):
    found = Server()
    monkeypatch.setattr(far_database, "EXCHANGE_DIRECTORY", str(tmp_path / "exchange"))
    monkeypatch.setattr(postgresql, "owner", lambda name: found.owners.get(name, ""))
    monkeypatch.setattr(postgresql, "number", lambda name: found.numbers.get(name, ""))
    monkeypatch.setattr(postgresql, "names", lambda: list(found.owners))
    monkeypatch.setattr(postgresql, "exchange", found.exchange)
    monkeypatch.setattr(postgresql, "drop", found.drop)
    monkeypatch.setattr(postgresql, "check_leftover", found.check_leftover)
    monkeypatch.setattr(postgresql, "refusal", str)
    monkeypatch.setattr(postgresql, "create", lambda name, _like, _extensions: found.add(name))
    monkeypatch.setattr(access, "renew", lambda _run: None)
    monkeypatch.setattr(access, "hosts_of", lambda _run, _app: found.hosts)
    monkeypatch.setattr(room, "check", lambda *_words: None)
    monkeypatch.setattr(far_database, "locked", lambda _name: nullcontext())
    return found


def prepared(owner="first"):
    database = FarDatabase("shop", KEPT, owner)
    database.prepare([], 0, ["web1", "web2"])
    return database


@pytest.mark.parametrize("kept", ["blog", "blog_before_20261126t023000z", "shop_before_", f'{KEPT}"; --'])
def test_another_name_is_refused(kept):
    with pytest.raises(BackupError, match="is not a name like"):
        FarDatabase("shop", kept)


def test_an_exchange_can_be_asked_for_again_and_given_back(server):
    database = prepared()
    for _time in range(2):
        database.exchange()
        assert database.is_exchanged()
    for _time in range(2):
        database.give_back()
        database.drop()
        assert not database.is_exchanged()
    # What was live is never dropped.
    assert server.owners == {"shop": "shop", "blog": "blog", UNDONE: "postgres"}
    assert database.has_undone()


def test_a_copy_that_never_was_live_is_dropped(server):
    database = prepared()
    database.drop()
    assert "shop_restored" not in server.owners


def test_a_database_of_the_name_of_the_copy_that_others_made_is_left_alone(server):
    server.add("shop_restored")
    server.foreign.add("shop_restored")
    with pytest.raises(BackupError, match="is in the way"):
        prepared()
    FarDatabase("shop", KEPT, "first").drop()
    assert "shop_restored" in server.owners


def test_a_copy_is_dropped_that_a_killed_run_had_not_recorded_yet(server, monkeypatch):
    monkeypatch.setattr(postgresql, "drop_leftover", server.drop)
    server.add("shop_restored")
    other = FarDatabase("shop", KEPT, "other")
    other.take()
    other.drop()
    assert "shop_restored" not in server.owners


def test_another_run_neither_exchanges_nor_gives_back_nor_drops(server):
    prepared()
    other = FarDatabase("shop", KEPT, "other")
    other.drop()
    with pytest.raises(BackupError, match="Another run has taken this one over"):
        other.exchange()
    FarDatabase("shop", KEPT, "first").exchange()
    with pytest.raises(BackupError, match="Another run has taken this one over"):
        other.give_back()
    assert other.is_exchanged()
    assert server.owners[KEPT] == "postgres"


def test_a_run_that_was_taken_over_cannot_go_on(server):
    first, other = prepared(), FarDatabase("shop", KEPT, "other")
    other.take()
    for step in (first.exchange, prepared):
        with pytest.raises(BackupError, match="Another run has taken this one over"):
            step()
    other.exchange()
    assert first.is_exchanged()
    with pytest.raises(BackupError, match="Another run has taken this one over"):
        first.give_back()


def test_it_is_exchanged_also_when_the_database_of_before_was_dropped(server):
    database = prepared()
    database.exchange()
    server.drop(KEPT)
    assert database.is_exchanged()
    with pytest.raises(BackupError, match="is gone"):
        database.give_back()


def test_a_host_that_does_not_take_part_is_named(server):
    server.hosts.append("web3")
    with pytest.raises(BackupError, match="web3 can use the database, too"):
        prepared()
    assert server.done == []


@pytest.mark.parametrize(("name", "owner"), [("shop", "blog"), ("shop_restored", "postgres")])
def test_databases_of_another_role_are_not_exchanged(server, name, owner):
    database = prepared()
    server.owners[name] = owner
    with pytest.raises(BackupError, match=rf"'{name}' of .* belongs to the role '{owner}', not to 'shop'"):
        database.exchange()
    assert not database.is_exchanged()


def test_no_copy_is_made_for_a_database_that_is_not_there(server):
    del server.owners["shop"]
    with pytest.raises(BackupError, match=r"'shop' of .* does not exist"):
        prepared()
    assert server.done == []
