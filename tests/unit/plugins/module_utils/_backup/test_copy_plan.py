"""Which databases of a backup are copied, and to which places."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import copy_plan, databases
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError

LIVE = [databases.Database("default", "postgresql", "shop", "", "", "", "")]


def stored(alias="default", vendor="postgresql", path=""):
    names = {"alias": alias, "vendor": vendor, "name": alias, "host": "", "path": path, "file": f"{alias}.dump"}
    return {**names, "version": "17.0", "rows": {"a": 1}, "roles": [], "extensions": ["hstore"], "writes": {}}


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.setattr(databases, "read", lambda _app: (LIVE, {}, []))


def test_each_database_of_postgresql_has_a_name_of_its_own(tmp_path):
    wanted = [stored(), stored("second"), stored("small", "sqlite", "db.sqlite3"), stored("third")]
    found = copy_plan.plan(App("shop", str(tmp_path)), wanted, "drill")
    assert [one.place for one in found.copies] == ["drill", "drill-2", "data/db.sqlite3", "drill-3"]
    assert found.copies[0].extensions == ("hstore",)
    assert (found.left_out, found.major) == ([], None)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "", "."])
def test_sqlite_stays_below_the_data(tmp_path, path):
    found = copy_plan.plan(App("shop", str(tmp_path)), [stored("x", "sqlite", path)], "drill")
    assert found.copies[0].place == "data/.gatehouse-x.sqlite3"


def test_an_alias_that_is_a_path(tmp_path):
    with pytest.raises(BackupError, match="Nothing was changed"):
        copy_plan.plan(App("shop", str(tmp_path)), [stored("../x", "sqlite")], "drill")
