"""What a new database takes over from another one."""

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import likeness

LOCALE = {"encoding": "UTF8", "collate": "de_DE.UTF-8", "ctype": "C", "provider": None, "locale": None, "rules": None}
HOSTILE = "shop'; DROP DATABASE blog; --"


def answers(text):
    return lambda command, data, cwd: (0, f"{text}\n" if text else "", "")


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ({}, "LC_CTYPE 'C' ALLOW_CONNECTIONS false"),
        ({"provider": "c"}, "LC_CTYPE 'C' ALLOW_CONNECTIONS false"),
        (
            {"provider": "i", "locale": "de-x"},
            "LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de-x' ALLOW_CONNECTIONS false",
        ),
        (
            {"provider": "i", "locale": "und", "rules": "&a < 'b|"},
            "LOCALE_PROVIDER icu ICU_LOCALE 'und' ICU_RULES '&a < ''b|' ALLOW_CONNECTIONS false",
        ),
        (
            {"provider": "b", "locale": "C.UTF-8"},
            "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' ALLOW_CONNECTIONS false",
        ),
    ],
)
def test_the_locale_and_its_provider(given, end):
    made = likeness.create("new", "shop", answers(json.dumps(LOCALE | given)))
    assert made.startswith("CREATE DATABASE \"new\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'de_DE.UTF-8' ")
    assert made.endswith(end)


def test_a_database_that_does_not_exist():
    assert likeness.create("new", "shop", answers("")) == ""


def test_names_are_quoted():
    text = likeness.settings("new", HOSTILE)
    assert "datname = 'shop''; DROP DATABASE blog; --'" in text
