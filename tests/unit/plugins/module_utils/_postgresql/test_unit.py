"""The drop-in of a cluster goes on to the cluster that takes its place."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import unit

OLD, NEW = "postgresql@15-main.service", "postgresql@17-main.service"


@pytest.fixture(autouse=True)
def directory(monkeypatch, tmp_path):
    monkeypatch.setattr(unit, "UNIT_DIRECTORY", str(tmp_path))


def test_the_next_version_gets_what_the_old_one_has():
    unit.drop_in(OLD).parent.mkdir()
    unit.drop_in(OLD).write_text(unit.TEXT)
    assert unit.hand_on(OLD, NEW)
    assert unit.drop_in(NEW).read_text() == unit.TEXT
    assert not unit.hand_on(OLD, NEW)


def test_without_one_there_is_none():
    assert not unit.hand_on(OLD, NEW)
    assert not unit.drop_in(NEW).parent.exists()
