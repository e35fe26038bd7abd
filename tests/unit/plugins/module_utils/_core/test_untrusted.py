"""Reading files that other users may have created."""

from __future__ import annotations

import os
import re
import socket

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import UntrustedPath


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "file").write_text("words")
    (tmp_path / "data" / "file").write_text("0123456789")
    (tmp_path / "link").symlink_to("data")
    (tmp_path / "data" / "up").symlink_to("../file")
    return tmp_path


@pytest.fixture
def open_to_others(tree):
    (tree / "data").chmod(0o777)
    return tree


def test_a_link_that_only_root_can_create_is_followed(tree):
    assert untrusted.read(f"{tree}/link/file") == "0123456789"
    assert untrusted.read(f"{tree}/data/up") == "words"
    (tree / "absolute").symlink_to(tree / "link")
    assert untrusted.read(f"{tree}/absolute/../data/./file") == "0123456789"


def test_a_link_that_others_can_create_is_not_followed(open_to_others):
    with pytest.raises(UntrustedPath, match=re.escape("this is a link to ../file")):
        untrusted.read(f"{open_to_others}/data/up")
    assert untrusted.link_on(f"{open_to_others}/link/up") == (f"{open_to_others}/data/up", "../file")
    assert untrusted.link_on(f"{open_to_others}/link/file") is None
    assert not untrusted.is_directory(f"{open_to_others}/data/up/data")


def test_no_link_is_followed_below(tree):
    with pytest.raises(UntrustedPath):
        untrusted.read(f"{tree}/data/up", below=f"{tree}/data")
    assert untrusted.read(f"{tree}/link/file", below=f"{tree}/link") == "0123456789"


@pytest.mark.parametrize("place", ["data/media", "releases/1/src", "failed/1", "venvs/1/bin"])
def test_no_link_of_an_app_or_a_repository_is_followed(tree, monkeypatch, place):
    """A release is given to root with the links that came with it."""
    home = tree / "srv" / "shop"
    (home / place).mkdir(parents=True)
    (home / place / "link").symlink_to("/etc")
    monkeypatch.setattr(
        untrusted, "APP_DIRECTORY", re.compile(untrusted.APP_DIRECTORY.pattern.replace("/srv", f"{tree}/srv"))
    )
    assert untrusted.link_on(f"{home}/{place}/link/passwd") == (f"{home}/{place}/link", "/etc")
    # By another way as well.
    (tree / "way").symlink_to(home / place)
    assert untrusted.link_on(f"{tree}/way/link/passwd") == (f"{home}/{place}/link", "/etc")


def test_a_circle_of_links_ends(tree):
    (tree / "a").symlink_to("b")
    (tree / "b").symlink_to("a")
    with pytest.raises(UntrustedPath):
        untrusted.read(f"{tree}/a")


@pytest.mark.parametrize("follow", [False, True])
def test_only_a_regular_file_is_read(tree, follow):
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree / "socket"))
    for name, what in (("fifo", "a FIFO"), ("socket", "a socket"), ("data", "a directory")):
        with pytest.raises(UntrustedPath, match=f"this is {what}, not a regular file"):
            untrusted.read(f"{tree}/{name}", follow=follow)
    with pytest.raises(UntrustedPath, match="a device"):
        untrusted.read("/dev/null", follow=follow)


def test_a_fifo_is_not_opened(tree):
    """Its writer would be woken."""
    os.mkfifo(tree / "fifo")
    with pytest.raises(UntrustedPath):
        untrusted.read(f"{tree}/fifo")
    with pytest.raises(OSError, match="No such device or address"):
        os.open(tree / "fifo", os.O_WRONLY | os.O_NONBLOCK)


def test_no_more_is_read_than_asked_for(tree):
    assert untrusted.read(f"{tree}/data/file", 4) == "0123"
    assert untrusted.read(f"{tree}/data/file", 4, tail=True) == "6789"
    (tree / "file").write_bytes(b"a\xffb")
    assert untrusted.read(f"{tree}/file") == "a�b"


def test_follow_follows_every_link(open_to_others):
    assert untrusted.read(f"{open_to_others}/data/up", follow=True) == "words"


def test_what_is_not_there(tree):
    assert untrusted.status(f"{tree}/none") is None
    assert untrusted.status(f"{tree}/file/none") is None
    assert untrusted.link_on(f"{tree}/none") is None
    with pytest.raises(FileNotFoundError):
        untrusted.read(f"{tree}/none")


def test_the_names_of_a_tree(tree):
    (tree / "data" / "deep").mkdir()
    (tree / "data" / "deep" / "x").touch()
    found = {name: entry.is_symlink() for name, entry in untrusted.names(str(tree))}
    assert found == {
        **{"data": False, "file": False, "link": True},
        **{"data/deep": False, "data/file": False, "data/up": True, "data/deep/x": False},
    }
    assert list(untrusted.names(f"{tree}/none")) == []
    assert list(untrusted.names(f"{tree}/file")) == []


def test_a_large_tree_is_not_read_to_its_end_and_leaves_no_file_open(tree, monkeypatch):
    monkeypatch.setattr(untrusted, "ENTRIES", 5)
    monkeypatch.setattr(untrusted, "DIRECTORIES", 3)
    for number in range(20):
        (tree / "data" / f"d{number:02}" / "inner").mkdir(parents=True)
    before = os.listdir("/proc/self/fd")
    assert len(list(untrusted.names(f"{tree}/data"))) <= 15
    next(untrusted.names(f"{tree}/data"))
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 'x'", "plain ü 'x'"),
        ("\x1b[31m\n\r\x9b", r"\x1b[31m\x0a\x0d\x9b"),
        (os.fsdecode(b"\xff\xfe"), r"\xff\xfe"),
        ("a\u202eb\U000e0001", r"a\u202eb\U000e0001"),
    ],
)
def test_control_characters_are_escaped(text, shown):
    assert untrusted.harmless(text) == shown


def test_kept_characters_are_not_escaped():
    assert untrusted.harmless("a\nb\t\x1b", keep="\n") == "a\nb\\x09\\x1b"
