"""The check that a project uses the database of its inventory."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[4] / "roles/django_app/files/gatehouse_database.py"

LOCAL = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": ""}


def load():
    spec = importlib.util.spec_from_file_location("gatehouse_database", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("changes", "is_remote", "used"),
    [
        ({}, False, True),
        ({"HOST": "/var/run/postgresql"}, False, True),
        ({"HOST": "db1"}, False, False),
        ({"HOST": "db1"}, True, True),
        ({}, True, False),
        ({"HOST": "db1", "NAME": "other"}, True, False),
        ({"HOST": "db1", "ENGINE": "django.db.backends.mysql"}, True, False),
    ],
)
def test_which_entry_is_the_database(changes, is_remote, used):
    assert load().is_used(LOCAL | changes, "shop", is_remote) is used
