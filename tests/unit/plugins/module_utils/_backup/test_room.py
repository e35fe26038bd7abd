"""A copy of a backup must leave room for the live data."""

import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._backup import postgresql, room
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError

DUMPS = {"/databases/default.pgdump": "shop"}


@pytest.fixture
def free(tmp_path, monkeypatch):
    """A host whose file system has 1000 bytes free, and a live database of 500 bytes."""

    class Space:
        f_bavail, f_frsize = 1000, 1

    monkeypatch.setattr(os, "statvfs", lambda _path: Space)
    monkeypatch.setattr(postgresql, "ask", lambda sql: str(tmp_path) if sql.startswith("SHOW") else "500\n")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("dumps", "dump", "more", "fits"),
    [
        ({}, 0, 900, True),
        ({}, 0, 901, False),
        # The dump itself, and the larger one of the live database and of what is loaded.
        (DUMPS, 100, 300, True),
        (DUMPS, 100, 301, False),
        (DUMPS, 360, 0, True),
        (DUMPS, 361, 0, False),
    ],
)
def test_room(free, dumps, dump, more, fits):
    sizes = {"/databases/default.pgdump": dump, "/data/upload": more}
    if fits:
        assert room.check(free, dumps, sizes) is None
    else:
        with pytest.raises(BackupError, match="stays free for the live data"):
            room.check(free, dumps, sizes)


def test_the_sizes_of_a_snapshot():
    lines = [
        {"struct_type": "snapshot", "id": "1f0c"},
        {"path": "/databases", "type": "dir"},
        {"path": "/databases/default.pgdump", "type": "file", "size": 5},
        {"path": "/data/link", "type": "symlink"},
    ]

    class Repository:
        def call(self, *words):
            assert words[-2:] == ("1f0c", "/databases")
            return "".join(f"{json.dumps(line)}\n" for line in lines)

    assert room.sizes(Repository(), "1f0c", ["/databases"]) == {"/databases/default.pgdump": 5}
