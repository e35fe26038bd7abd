"""Tests for module_utils/_app/static_names.py."""

import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import static_names
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree


@pytest.fixture
def release(tmp_path):
    (tmp_path / "static/admin").mkdir(parents=True)
    (tmp_path / "static/admin/base.1f2e3d4c5b6a.css").write_text("a")
    (tmp_path / "static/app.js").write_text("b")
    return tmp_path


def recorded(release):
    return {part: one["names"] for part, one in json.loads((release / static_names.RECORD).read_text()).items()}


def test_each_part_has_the_names_that_it_has_made(release):
    static_names.record(str(release), "build")
    (release / "static/CACHE").mkdir()
    (release / "static/CACHE/output.js").write_text("c")
    static_names.record(str(release), "release_commands")
    assert recorded(release) == {
        "build": ["admin/base.1f2e3d4c5b6a.css", "app.js"],
        "release_commands": ["CACHE/output.js"],
    }
    # The app's user cannot read names of others through it.
    assert (release / static_names.RECORD).stat().st_mode & 0o777 == 0o600


def test_the_digest_changes_with_a_name_and_not_with_a_compressed_variant_or_a_content(release):
    static_names.record(str(release), "build")
    before = static_names.digests(str(release))
    (release / "static/app.js.gz").write_text("b")
    (release / "static/app.js").write_text("another")
    static_names.record(str(release), "build")
    assert static_names.digests(str(release)) == before
    # It is a file of its own.
    (release / "static/data.gz").write_text("c")
    static_names.record(str(release), "build")
    assert static_names.digests(str(release)) != before


def test_a_release_of_one_host_has_no_digest(release):
    assert static_names.digests(str(release)) == {}


def test_no_link_is_followed_and_no_name_or_depth_is_too_much(release):
    outside = release / "outside"
    outside.mkdir()
    (outside / "secret").write_text("")
    (release / "static/link").symlink_to(outside)
    (release / os.fsdecode(b"static/\xff\n.js")).write_text("")
    deep = release / "static" / "/".join("d" * (tree.MAX_DEPTH + 5))
    deep.mkdir(parents=True)
    (deep / "x").write_text("")
    static_names.record(str(release), "build")
    assert recorded(release)["build"] == ["admin/base.1f2e3d4c5b6a.css", "app.js", "\udcff\n.js"]


def test_a_long_list_is_compared_and_not_kept(release, monkeypatch):
    monkeypatch.setattr(static_names, "LISTED", 1)
    static_names.record(str(release), "build")
    assert recorded(release) == {"build": None}
    assert static_names.digests(str(release))["build"]
