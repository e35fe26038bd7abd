"""Static files are carried from other releases."""

from __future__ import annotations

import os
import random
import re
import stat
import time
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import static as carrying
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.render import TEMPLATES

OLD, NEW = "css/shop.0123456789ab.css", "css/shop.ba9876543210.css"


@pytest.fixture
def release(tmp_path):
    """release(name, file, ...): the directory of a release that has made these static files."""

    def make(name, *files):
        for file in ("staticfiles.json", *files):
            path = tmp_path / name / "static" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{file} of {name}")
        return tmp_path / name

    return make


def carry(target, *others):
    return carrying.carry(str(target), [str(other) for other in others])


def static(release):
    """The names of all that is there."""
    top = release / "static"
    return {str(path.relative_to(top)) for path in top.rglob("*") if not path.is_dir()}


def test_nginx_calls_the_same_files_immutable():
    text = (TEMPLATES / "http.conf.j2").read_text(encoding="utf-8")
    assert tuple(re.findall(r'"~(.+)"\s+"[^"]*immutable', text)) == carrying.HASHES


def is_immutable(name):
    return any(re.search(pattern, name, re.ASCII) for pattern in carrying.HASHES)


@pytest.mark.parametrize(
    "name",
    [
        *("base.5f3c2a1b9d8e.css", "base.123456789012.css", "a.5f3c2a1b9d8e.tar.gz", "a.5f3c2a1b9d8e.woff2"),
        *("x.9422f51c426f7a9f663b.css", "x-6f44884dfe6c6417dd6f.js", "17.9422f51c426f7a9f663b.chunk.js.map"),
        *("main.3f2a1b4c.chunk.js", "x-DkPqXyz1.js", "index-C_gcIYdA.js", "index.B_TqY17P.css", "chunk-QK3Z7ABX.js"),
        *("favicon-32x32-eab170b8.png", "firefox-1bWoP6pv.svg", "index-BZpYJZ-P.css"),
    ],
)
def test_names_with_a_hash_are_immutable_and_carried(name):
    assert is_immutable(f"/static/app/{name}")
    assert carrying.CARRIED.search(name)


@pytest.mark.parametrize(
    "name",
    [
        *("jquery-3.7.1.js", "jquery-3.7.1.min.js", "x.jquery-3.7.1.js", "bootstrap-5.3.0.css", "x.12345678.js"),
        *("app-20231225.js", "report-202611260000.pdf", "font-awesome.css", "inter-v12-latin-700.woff2"),
        *("x-iPhone15.png", "x-Html5Doc.js", "book-Chapter1.pdf", "x-Figure12.svg", "x-Windows7.ico", "x-facade12.jpg"),
        *("my-dataGrid.js", "a-toDoList.js", "foo-Bar-Baz1.js", "Roboto-BoldItalic.woff2", "x-MATERIAL.js"),
        *("REPORT-2024FULL.pdf", "x-WIN32API.js", "select2-material.js", "staticfiles.json", "base.css"),
    ],
)
def test_other_names_are_not_immutable(name):
    assert not is_immutable(f"/static/app/{name}")


BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize(
    ("alphabet", "length", "immutable", "carried"),
    [
        (BASE64, 8, 0.75, 0.99),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 8, 0.3, 0.99),
        ("0123456789abcdef", 8, 0.88, 0.96),
        ("0123456789abcdef", 20, 0.99, 0.99),
    ],
)
def test_most_hashes_are_recognised(alphabet, length, immutable, carried):
    chosen = random.Random(1)
    names = [f"x-{''.join(chosen.choices(alphabet, k=length))}.js" for _number in range(2000)]
    assert sum(map(is_immutable, names)) / len(names) > immutable
    assert sum(bool(carrying.CARRIED.search(name)) for name in names) / len(names) > carried


def test_no_name_takes_long():
    start = time.monotonic()
    for name in ("a-" * 4000, "aB-" * 3000, "a" * 8000, "x." * 4000, f"-{'a1' * 4000}"):
        is_immutable(f"/{name}.j-")
        carrying.CARRIED.search(f"/{name}.j-")
    assert time.monotonic() - start < 1


def test_a_hashed_file_is_the_same_file_in_both(release):
    old, new = release("old", OLD), release("new", NEW)
    assert carry(new, old) == [OLD]
    assert static(new) == {"staticfiles.json", OLD, NEW}
    assert (new / "static" / OLD).samefile(old / "static" / OLD)


def test_compressed_variants_are_carried(release):
    variants = {f"{OLD}.gz", f"{OLD}.br"}
    old, new = release("old", OLD, *variants), release("new", NEW)
    carry(new, old)
    assert static(new) == {"staticfiles.json", OLD, NEW, *variants}


@pytest.mark.parametrize(
    "name",
    [
        *("staticfiles.json", "manifest.json", "css/shop.css", "css/shop.css.gz", "shop.01234567890.css"),
        *("shop.0123456.css", "shop.0123456789ab", "0123456789ab.css", "shop.0123456789ab.css~"),
    ],
)
def test_files_without_a_hash_are_not_carried(release, name):
    old, new = release("old", name), release("new")
    assert carry(new, old) == []
    assert static(new) == {"staticfiles.json"}
    assert (new / "static" / "staticfiles.json").read_text() == "staticfiles.json of new"


def test_files_of_the_release_are_not_replaced(release):
    old, new = release("old", OLD), release("new", OLD)
    assert carry(new, old) == []
    assert (new / "static" / OLD).read_text() == f"{OLD} of new"


def test_carried_files_are_not_carried_on(release):
    first, second, third = release("1", OLD), release("2"), release("3")
    carry(second, first)
    assert carry(third, second) == []
    assert carry(third, second, first) == [OLD]


def test_files_of_two_releases_stay_as_long_as_one_of_them(release):
    first, second, third, fourth = release("1", OLD), release("2", OLD), release("3"), release("4")
    carry(second, first)
    carry(third, second, first)
    assert carry(fourth, third, second) == [OLD]


def test_a_second_carry_adds_new_files_and_keeps_the_list(release):
    old, new = release("old", OLD), release("new")
    carry(new, old)
    assert carry(new, old, release("newer", NEW)) == sorted([OLD, NEW])
    assert carry(new) == sorted([OLD, NEW])
    assert static(new) == {"staticfiles.json", OLD, NEW}


def test_after_an_interrupted_carry_no_carried_file_counts_as_own(release, monkeypatch):
    first, second, third = release("1", OLD, NEW), release("2"), release("3")

    def link_one_and_die(*arguments, link=carrying._link):
        link(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(carrying, "_link", link_one_and_die)
    with pytest.raises(KeyboardInterrupt):
        carry(second, first)
    monkeypatch.undo()
    assert len(static(second)) == 2
    assert carry(third, second) == []
    carry(second, first)
    assert static(second) == {"staticfiles.json", OLD, NEW}


def test_directories_can_be_read_by_nginx_whatever_the_umask(release):
    old, new = release("old", f"deep/{OLD}"), release("new")
    mask = os.umask(0o077)
    try:
        carry(new, old)
    finally:
        os.umask(mask)
    for path in ("deep", "deep/css"):
        assert stat.S_IMODE((new / "static" / path).stat().st_mode) == 0o755


def test_symlinks_are_not_followed_out_of_a_release(release, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.0123456789ab.txt").write_text("secret")
    old, new = release("old", OLD), release("new")
    (old / "static" / "away").symlink_to(outside)
    (old / "static" / "file.0123456789ab.txt").symlink_to(outside / "secret.0123456789ab.txt")
    (new / "static" / "css").symlink_to(outside)
    carry(new, old)
    assert static(new) == {"staticfiles.json"} | {"css"} & static(new)
    assert os.listdir(outside) == ["secret.0123456789ab.txt"]


def test_an_existing_entry_is_not_replaced(release):
    old, new = release("old", OLD), release("new", "css")
    carry(new, old)
    assert static(new) == {"staticfiles.json", "css"}


def test_a_release_without_static_files_carries_none(release, tmp_path):
    bare = Path(tmp_path / "bare")
    bare.mkdir()
    assert carry(release("new"), bare) == []
