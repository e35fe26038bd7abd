"""A copy of a backup must leave room for the live data."""

import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import postgresql, room
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded

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


def test_the_sizes_of_a_snapshot(tmp_path):
    """Also of one with more files than the output that is kept of a command: 30,000 have about 6 MB."""
    lines = [
        {"struct_type": "snapshot", "id": "1f0c"},
        {"path": "/databases", "type": "dir"},
        {"path": "/databases/default.pgdump", "type": "file", "size": 5},
        {"path": "/databases/empty.pgdump", "type": "file"},
        {"path": "/data/link", "type": "symlink"},
        *({"path": f"/data/{number:0200}", "type": "file", "size": 2} for number in range(30_000)),
    ]
    listing = tmp_path / "listing"
    listing.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    def run(command, **_more):
        assert command[-4:] == ["--recursive", "1f0c", "/databases", "/data"]
        start = command.index("setpriv", 1)
        return run_bounded([*command[4:start], "cat", str(listing)])

    place = Place(App("shop", str(tmp_path)), str(tmp_path))
    place.home.mkdir()
    place.config.write_text('{"to": ""}')
    found = room.sizes(Repository(place, run), "1f0c", ["/databases", "/data"])
    assert found == {"/databases/default.pgdump": 5, "/databases/empty.pgdump": 0, "/data": 60_000}


def test_a_listing_that_fails(tmp_path):
    place = Place(App("shop", str(tmp_path)), str(tmp_path))
    place.home.mkdir()
    place.config.write_text('{"to": ""}')

    def run(command, **_more):
        return run_bounded([*command[4 : command.index("setpriv", 1)], "sh", "-c", "echo no snapshot >&2; exit 3"])

    with pytest.raises(BackupError, match=r"restic ls failed on .*no snapshot"):
        room.sizes(Repository(place, run), "1f0c", ["/data"])
