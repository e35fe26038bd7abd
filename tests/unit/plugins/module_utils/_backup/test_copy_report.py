"""The rows of a copy of SQLite are those that a backup counts."""

import json
import sqlite3
import subprocess
import sys

from ansible_collections.gatehouse.django.plugins.module_utils._backup import copy_report, project_data


def test_it_counts_the_tables_that_a_backup_counts(tmp_path):
    path = str(tmp_path / "db.sqlite3")
    live = sqlite3.connect(path)
    live.execute("CREATE TABLE shop_order (id INTEGER PRIMARY KEY AUTOINCREMENT)")
    live.execute('CREATE TABLE "a ""quoted"" name" (id)')
    live.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
    live.executemany("INSERT INTO shop_order VALUES (?)", [(1,), (2,)])
    live.commit()
    names = sorted(
        name
        for (name,) in live.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        )
        if not name.startswith("sqlite_")
    )
    counted = project_data.count(live.cursor(), names, lambda name: '"{}"'.format(name.replace('"', '""')))
    assert copy_report.rows(path) == counted
    assert counted["shop_order"] == 2
    command = [sys.executable, "-I", "-S", copy_report.__file__, "rows", path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, json.loads(done.stderr)) == ("", counted)
