"""What the superuser touches for a restore of an app on other hosts: the databases of the app, and no other."""

from contextlib import nullcontext

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._backup import far_database, postgresql, room
from ansible_collections.gatehouse.django.plugins.module_utils._backup.far_database import FarDatabase
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import access

KEPT = "shop_before_20261126t023000z"


@pytest.fixture
def owners(monkeypatch):
    """The server: the owner of each database."""
    found, done = {"shop": "shop", "shop_restored": "shop", "blog": "blog"}, []

    def exchange(name, aside, instead, *, keep):
        found[aside], found[name] = found.pop(name), found.pop(instead)
        done.append(keep)

    monkeypatch.setattr(postgresql, "owner", lambda name: found.get(name, ""))
    monkeypatch.setattr(postgresql, "names", lambda: list(found))
    monkeypatch.setattr(postgresql, "exchange", exchange)
    monkeypatch.setattr(postgresql, "refusal", str)
    monkeypatch.setattr(postgresql, "create", lambda *words: done.append(words))
    monkeypatch.setattr(access, "renew", lambda _run: None)
    monkeypatch.setattr(room, "check", lambda *_words: None)
    monkeypatch.setattr(far_database, "locked", lambda _name: nullcontext())
    found["done"] = done
    return found


@pytest.mark.parametrize("kept", ["blog", "blog_before_20261126t023000z", "shop_before_", f'{KEPT}"; --'])
def test_another_name_is_refused(kept):
    with pytest.raises(BackupError, match="is not a name like"):
        FarDatabase("shop", kept)


def test_an_exchange_can_be_asked_for_again_and_given_back(owners):
    database = FarDatabase("shop", KEPT)
    for _time in range(2):
        database.exchange()
        assert database.is_exchanged()
    for _time in range(2):
        database.give_back()
        assert not database.is_exchanged()
    assert owners["done"] == [True, False]


@pytest.mark.parametrize(("name", "owner"), [("shop", "blog"), ("shop_restored", "postgres")])
def test_databases_of_another_role_are_not_exchanged(owners, name, owner):
    owners[name] = owner
    with pytest.raises(BackupError, match=rf"'{name}' of .* belongs to the role '{owner}', not to 'shop'"):
        FarDatabase("shop", KEPT).exchange()
    assert owners["done"] == []


def test_no_copy_is_made_for_a_database_that_is_not_there(owners):
    del owners["shop"]
    with pytest.raises(BackupError, match=r"'shop' of .* does not exist"):
        FarDatabase("shop", KEPT).prepare([], 0)
    assert owners["done"] == []
