"""Tests for plugin_utils/_fleet/static_names.py."""

import base64
import json

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.static_names import REMEDY, different


def record(*names, commands=None):
    parts = {"build": names} if commands is None else {"build": names, "release_commands": commands}
    found = {part: {"digest": str(sorted(files)), "names": files} for part, files in parts.items()}
    return base64.b64encode(json.dumps(found).encode()).decode()


def test_hosts_with_the_same_names_go_on():
    assert different({"web1": record("a.js"), "web2": record("a.js")}, [], "shop", "build") == []
    # Its release is older than the record.
    assert different({"web1": record("a.js"), "web2": ""}, [], "shop", "build") == []
    # It has completed the release in a run before.
    same = {"web1": record("a.js"), "web2": record("a.js", commands=["b.js"])}
    assert different(same, [], "shop", "build") == []


def test_the_hosts_are_named_with_a_file_that_not_all_have():
    records = {
        "web1": record("a.js", "app.1.js"),
        "web2": record("a.js", "app.2.js"),
        "web3": record("app.1.js", "a.js"),
    }
    assert different(records, [], "shop", "build") == [
        "shop: the release is not deployed, because static files that were built have different names on its hosts. "
        "Nothing was migrated. All hosts go on with the release that they serve.",
        "web1, web3: 1 that not all others have, such as static/app.1.js",
        "web2: 1 that not all others have, such as static/app.2.js",
        REMEDY,
    ]


def test_a_host_that_lacks_files_is_named():
    lines = different({"web1": record("a.js", "b.js"), "web2": record("a.js")}, [], "shop", "build")
    assert lines[1:3] == ["web1: 1 that not all others have, such as static/b.js", "web2: none of its own"]


def test_what_release_commands_make_is_compared():
    records = {"web1": record("a.js", commands=["x.js"]), "web2": record("a.js", commands=["y.js"])}
    lines = different(records, [], "shop", "start")
    assert "files that were made by release_commands have different names" in lines[0]
    assert "Migrations that were applied stay." in lines[0]


@pytest.mark.parametrize(
    ("outside", "count"),
    [
        ({"content": record("b.js")}, 4),
        ({"content": record("a.js")}, 0),
        ({"unreachable": True}, 0),
        ({"failed": True, "msg": "file not found"}, 0),
    ],
)
def test_a_host_outside_of_the_run_is_compared_if_it_can_be_read(outside, count):
    lines = different({"web1": record("a.js")}, [{"item": "web2", **outside}], "shop", "build")
    assert len(lines) == count
    assert not lines or lines[2].startswith("web2 (not in this run): 1 that")


def test_a_name_cannot_control_the_terminal_and_a_list_that_is_too_long_names_none():
    lines = different({"web1": record("a\x1b[2J.js"), "web2": record()}, [], "shop", "build")
    assert lines[1] == r"web1: 1 that not all others have, such as static/a\x1b[2J.js"
    none = base64.b64encode(json.dumps({"build": {"digest": "x", "names": None}}).encode()).decode()
    lines = different({"web1": none, "web2": record("a")}, [], "shop", "build")
    assert lines[1:-1] == ["web1: it has too many static files to name one"]
