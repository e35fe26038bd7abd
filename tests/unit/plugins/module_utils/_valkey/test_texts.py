"""The files of an instance."""

from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey
from ansible_collections.gatehouse.django.plugins.module_utils._valkey import texts

from .conftest import BROKER, CACHE


def test_a_limit_or_another_collection_makes_another_digest(monkeypatch):
    def digest(one):
        text = texts.drop_in(one, valkey.VALKEY)
        return next(line for line in text.splitlines() if texts.DIGEST in line)

    before = digest(CACHE)
    assert digest(CACHE) == before
    assert digest({**CACHE, "memory": "65M"}) != before
    monkeypatch.setattr(texts, "CONFIGURATION", f"{texts.CONFIGURATION}databases 1\n")
    assert digest(CACHE) != before


def test_the_kind_of_a_file():
    assert texts.kind_of(texts.configuration(BROKER, valkey.VALKEY)) == "broker"
    assert texts.kind_of(texts.drop_in(CACHE, valkey.REDIS)) == "cache"
    assert texts.kind_of("port 6379\n") == ""


def test_the_user_of_a_long_name_is_one_that_systemd_accepts():
    assert texts.user("shop-cache") == "valkey-shop-cache"
    long = [texts.user(f"{'a' * 26}-{kind}") for kind in valkey.KINDS]
    assert len(set(long)) == 2
    assert all(len(name) <= 31 for name in long)
