"""Variables of the command line whose quotes the shell removed."""

from __future__ import annotations

import pytest
from ansible import context
from ansible.parsing.splitter import parse_kv
from ansible_collections.gatehouse.django.plugins.filter.all_words import all_words


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("command=migrate shop 0002", "migrate shop 0002"),
        ("command=showmigrations --plan", "showmigrations --plan"),
        ("command=createsuperuser --username=admin", "createsuperuser --username=admin"),
        ("command=shell -c 'print(1)'", "shell -c 'print(1)'"),
        ("command='migrate shop'", "migrate shop"),
        ("command=check", "check"),
        ("command=check app=shop", "check"),
    ],
)
def test_the_words_are_those_that_were_typed(monkeypatch, typed, words):
    monkeypatch.setattr(context, "CLIARGS", {"extra_vars": ("app=shop", typed, "@file.yml")})
    assert all_words(parse_kv(typed)["command"], "command") == words


def test_a_variable_from_elsewhere_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(context, "CLIARGS", {"extra_vars": ("command=migrate shop",)})
    assert all_words("check", "command") == "check"
    monkeypatch.setattr(context, "CLIARGS", {})
    assert all_words("check", "command") == "check"
