"""A database that is loaded before the first release is all of the backup, or it is dropped again."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import first_load, postgresql
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError

END = "pg_restore: warning: errors ignored on restore: 1\n"
INDEX = (
    "pg_restore: from TOC entry 3400; 1259 16401 INDEX entry_label_idx shop\n"
    "pg_restore: error: could not execute query: ERROR:  could not create unique index\nDETAIL:  Key (label)=(secret)\n"
)
SPATIAL = (
    "pg_restore: from TOC entry 4210; 0 17283 TABLE DATA spatial_ref_sys postgres\n"
    'pg_restore: error: COPY failed for table "spatial_ref_sys": ERROR:  permission denied for table spatial_ref_sys\n'
)
ROWS = {"public.entry": 2}


@pytest.fixture
def load(monkeypatch):
    """load(code, said): pg_restore ends like this. Its `commands` and the databases that were `dropped`."""

    def run(command, **_options):
        load.commands.append(command)
        return (*load.end[:1], "", load.end[1]) if "pg_restore" in command else (0, load.rows, "")

    def load(code, said):
        load.end = code, said
        database = Database("default", "postgresql", "shop", "", "", "", "")
        return first_load.load(App("shop"), database, "shop_restored", "/x.pgdump", ROWS)

    load.commands, load.dropped, load.rows = [], [], '{"public.entry": 2}'
    monkeypatch.setattr(first_load, "run_bounded", run)
    monkeypatch.setattr(postgresql, "drop", load.dropped.append)
    monkeypatch.setattr(postgresql, "ask", lambda _sql, _name="": "spatial_ref_sys\n")
    return load


@pytest.mark.parametrize(("code", "said"), [(0, ""), (1, SPATIAL + END)])
def test_all_of_it(load, code, said):
    assert load(code, said) == {"rows": ROWS}
    assert load.dropped == []
    restore, count = load.commands
    # Its messages are read.
    assert "--property=Environment=LC_ALL=C" in restore
    assert "--command=SET statement_timeout = 0" in count


def test_an_index_that_is_lost(load):
    with pytest.raises(BackupError, match="did not load all of it") as caught:
        load(1, SPATIAL + INDEX + END)
    assert "INDEX entry_label_idx" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert load.dropped == ["shop_restored"]


def test_rows_that_are_lost(load):
    load.rows = "{}"
    with pytest.raises(BackupError, match=r"public\.entry has no table, not 2"):
        load(1, SPATIAL + END)
    assert load.dropped == ["shop_restored"]
