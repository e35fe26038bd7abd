"""A setting that comes from the environment of the app is changed there."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import variables
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Project


@pytest.mark.parametrize(
    ("before", "written"),
    [
        ("a.example", r'"a.example,b.example"'),
        ("a.example, c.example", r'"a.example,b.example"'),
        ("a.example c.example", r'"a.example b.example"'),
        ('["a.example"]', r'"[\"a.example\", \"b.example\"]"'),
        ("", r'"a.example,b.example"'),
    ],
)
def test_the_value_is_written_as_it_was(before, written):
    environment = {"DJANGO_ALLOWED_HOSTS": before, "DJANGO_SECRET_KEY": "x31337"}
    remedy = Project(values={}, variables=environment).remedy("ALLOWED_HOSTS", ["a.example", "b.example"])
    assert remedy == f"Write in the app's environment in the inventory: `DJANGO_ALLOWED_HOSTS: {written}`."


def test_the_inventorys_own_settings_come_first():
    project = Project(values={}, inventory=frozenset(["DEBUG"]), variables={"DEBUG": "1"})
    assert project.remedy("DEBUG", False) == "Write in the app's settings in the inventory: `DEBUG: false`."


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["SHOP_DJANGO_ALLOWED_HOSTS", "ALLOWED_HOSTS"], "ALLOWED_HOSTS"),
        (["django_allowed_hosts"], "django_allowed_hosts"),
        (["DISALLOWED_HOSTS", "ALLOWED_HOSTS_FILE", "X"], ""),
    ],
)
def test_the_variable(names, expected):
    assert variables.name_for(dict.fromkeys(names, ""), "ALLOWED_HOSTS") == expected
