"""Trees that another user has written: what root changes in them, and what it refuses."""

from __future__ import annotations

import os
import resource
import socket
import stat
import struct
import subprocess

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree

# Numbers of users that this machine does not have.
OWNER, OTHER, GROUP = 4_242_001, 4_242_002, 4_242_003
ROOT = tree.Access(0, 0)


@pytest.fixture
def top(tmp_path):
    path = tmp_path / "top"
    path.mkdir()
    os.chown(path, OWNER, OWNER)
    return path


def make(path, content=None, owner=OWNER, mode=None):
    """A file with *content*, or a directory."""
    path.mkdir() if content is None else path.write_text(content)
    os.chown(path, owner, owner)
    if mode is not None:
        path.chmod(mode)
    return path


def state(path):
    found = os.lstat(path)
    return found.st_uid, found.st_gid, oct(stat.S_IMODE(found.st_mode))


def deep(top, levels, owner=OWNER):
    """Directories below each other, more of them than a path can name."""
    descriptor = os.open(top, os.O_RDONLY)
    for _level in range(levels):
        os.mkdir("d", dir_fd=descriptor)
        os.chown("d", owner, owner, dir_fd=descriptor)
        outer, descriptor = descriptor, os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(outer)
    os.close(descriptor)


def test_take_over_sets_owners_and_modes(top):
    make(top / "inner", mode=0o2777)
    make(top / "inner" / "text", "x", mode=0o666)
    make(top / "program", "x", mode=0o4777)
    make(top / "hidden", "x", mode=0o000)
    (top / "link").symlink_to("/etc/shadow")
    os.chown(top / "link", OWNER, OWNER, follow_symlinks=False)
    before = state("/etc/shadow")
    tree.take_over(str(top), OWNER, tree.Access(0, GROUP, directory=0o750, file=0o640, program=0o755))
    assert state(top) == (0, GROUP, "0o750")
    assert state(top / "inner") == (0, GROUP, "0o750")
    assert state(top / "inner" / "text") == (0, GROUP, "0o640")
    assert state(top / "program") == (0, GROUP, "0o755")
    assert state(top / "hidden") == (0, GROUP, "0o640")
    assert state(top / "link")[:2] == (0, GROUP)
    assert state("/etc/shadow") == before


def test_take_over_accepts_a_file_with_two_names(top):
    make(top / "a", "x")
    os.link(top / "a", top / "b")
    tree.take_over(str(top), OWNER, ROOT)
    assert state(top / "a") == state(top / "b") == (0, 0, "0o644")


def test_take_over_refuses_a_hard_link_to_a_file_of_another_user(top, tmp_path):
    secret = make(tmp_path / "secret", "x", owner=OTHER, mode=0o600)
    os.link(secret, top / "mine")
    with pytest.raises(tree.UntrustedEntry, match=rf"mine' belongs to user ID {OTHER}, not to user ID {OWNER}"):
        tree.take_over(str(top), OWNER, ROOT)
    assert state(secret) == (OTHER, OTHER, "0o600")


def test_take_over_refuses_a_hard_link_to_a_file_of_root(top, tmp_path):
    make(tmp_path / "shadow", "x", owner=0, mode=0o600)
    os.link(tmp_path / "shadow", top / "mine")
    with pytest.raises(tree.UntrustedEntry, match="belongs to user ID 0"):
        tree.take_over(str(top), OWNER, ROOT)
    assert state(tmp_path / "shadow") == (0, 0, "0o600")


def test_take_over_refuses_a_link_and_a_directory_of_another_user(top):
    (top / "link").symlink_to("/etc")
    with pytest.raises(tree.UntrustedEntry, match="link' belongs to user ID 0"):
        tree.take_over(str(top), OWNER, ROOT)


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_take_over_refuses_special_files(top, kind):
    path = str(top / "odd")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
    os.chown(path, OWNER, OWNER)
    with pytest.raises(tree.UntrustedEntry, match=r"odd' is neither a file nor a directory nor a symbolic link"):
        tree.take_over(path.removesuffix("/odd"), OWNER, ROOT)


def test_take_over_refuses_a_tree_that_is_a_link(top, tmp_path):
    (tmp_path / "link").symlink_to(top)
    with pytest.raises(tree.UntrustedEntry, match=r"link' is a symbolic link\. .*mount --bind"):
        tree.take_over(str(tmp_path / "link"), OWNER, ROOT)
    assert state(top)[0] == OWNER


def test_take_over_closes_a_directory_before_it_lists_the_entries(top, monkeypatch):
    make(top / "inner", mode=0o777)
    owners = {}
    names = tree._names

    def look(descriptor):
        found = os.fstat(descriptor)
        owners[found.st_ino] = (found.st_uid, stat.S_IMODE(found.st_mode))
        return names(descriptor)

    monkeypatch.setattr(tree, "_names", look)
    tree.take_over(str(top), OWNER, ROOT)
    assert set(owners.values()) == {(0, 0o755)}
    assert len(owners) == 2


def test_take_over_does_not_follow_a_directory_that_becomes_a_link(top, tmp_path, monkeypatch):
    outside = make(tmp_path / "outside", owner=OTHER, mode=0o700)
    make(top / "inner")
    names = tree._names

    def replace(descriptor):
        found = names(descriptor)
        if "inner" in found:
            (top / "inner").rmdir()
            (top / "inner").symlink_to(outside)
        return found

    monkeypatch.setattr(tree, "_names", replace)
    tree_before = state(outside)
    with pytest.raises(tree.UntrustedEntry, match="inner' belongs to user ID 0"):
        tree.take_over(str(top), OWNER, ROOT)
    assert state(outside) == tree_before


def test_take_over_names_an_entry_that_vanishes(top, monkeypatch):
    names = tree._names
    monkeypatch.setattr(tree, "_names", lambda descriptor: [*names(descriptor), "gone"])
    with pytest.raises(FileNotFoundError, match="/top/gone'"):
        tree.take_over(str(top), OWNER, ROOT)


def test_take_over_of_undecodable_names(top):
    path = os.fsencode(top) + b"/caf\xe9\n\x1b"
    os.mkdir(path)
    os.chown(path, OWNER, OWNER)
    tree.take_over(str(top), OWNER, ROOT)
    assert state(path) == (0, 0, "0o755")
    os.chown(path, OTHER, OTHER)
    os.chown(top, OWNER, OWNER)
    with pytest.raises(tree.UntrustedEntry) as caught:
        tree.take_over(str(top), OWNER, ROOT)
    assert r"/caf\udce9\n\x1b' belongs" in str(caught.value)
    assert str(caught.value).encode().isascii()


@pytest.mark.parametrize(("levels", "is_fine"), [(99, True), (100, False), (1500, False)])
def test_take_over_has_a_limit_of_depth(top, levels, is_fine):
    deep(top, levels)
    if is_fine:
        tree.take_over(str(top), OWNER, ROOT)
        assert state(os.path.join(top, *["d"] * levels)) == (0, 0, "0o755")
    else:
        with pytest.raises(tree.UntrustedEntry, match="d' is more than 100 directories deep"):
            tree.take_over(str(top), OWNER, ROOT)
    tree.remove_tree(str(top))


def test_take_over_leaks_no_descriptor(top, monkeypatch):
    deep(top, 50)
    make(top / "file", "x")
    os.mkfifo(top / "z")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(tree.UntrustedEntry):
        tree.take_over(str(top), OWNER, ROOT)
    with pytest.raises(FileNotFoundError, match="/top/d/missing'"), tree.opened(str(top), "d", "missing", "file"):
        pass
    assert len(os.listdir("/proc/self/fd")) == before


def test_take_over_without_descriptors_left_says_so(top):
    deep(top, 60)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 30, hard))
    try:
        with pytest.raises(OSError, match=r"Too many open files: '/.*/top/d/.*d'"):
            tree.take_over(str(top), OWNER, ROOT)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def access_list(*entries):
    """acl(5) as the kernel stores it: version 2, then tag, permissions, number."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_take_over_removes_access_lists(top):
    nobody = 0xFFFFFFFF
    granted = access_list((1, 7, nobody), (2, 7, OTHER), (4, 5, nobody), (0x10, 7, nobody), (0x20, 0, nobody))
    os.setxattr(top, "system.posix_acl_default", granted)
    os.setxattr(top, "system.posix_acl_access", granted)
    make(top / "settings.py", "PASSWORD = 'x'")
    os.setxattr(top / "settings.py", "system.posix_acl_access", granted)
    tree.take_over(str(top), OWNER, tree.Access(0, GROUP, directory=0o750, file=0o640))
    assert os.listxattr(top) == os.listxattr(top / "settings.py") == []
    read = subprocess.run(["cat", top / "settings.py"], user=OTHER, check=False, capture_output=True)
    assert read.returncode != 0


def test_change_owner_changes_what_belongs_to_the_numbers_and_keeps_modes(top):
    make(top / "mine", "x", mode=0o640)
    make(top / "theirs", "x", owner=OTHER)
    make(top / "media", mode=0o2750)
    os.chown(top / "media", OWNER, GROUP)
    (top / "link").symlink_to("/etc/shadow")
    os.chown(top / "link", OWNER, OWNER, follow_symlinks=False)
    before = state("/etc/shadow")
    tree.change_owner(str(top), {OWNER: 77}, {OWNER: 78})
    assert state(top) == (OWNER, OWNER, "0o755")
    assert state(top / "mine") == (77, 78, "0o640")
    assert state(top / "theirs") == (OTHER, OTHER, "0o644")
    assert state(top / "media") == (77, GROUP, "0o2750")
    assert state(top / "link")[:2] == (77, 78)
    assert state("/etc/shadow") == before


def test_change_owner_has_a_limit_of_depth(top):
    deep(top, 101)
    with pytest.raises(tree.UntrustedEntry, match="more than 100 directories deep"):
        tree.change_owner(str(top), {OWNER: 77}, {})


@pytest.mark.parametrize("levels", [3, 150, 2500])
def test_remove_tree_removes_any_depth(top, levels):
    deep(top, levels)
    tree.remove_tree(str(top))
    assert not top.exists()


def test_remove_tree_removes_links_and_not_where_they_lead(top, tmp_path):
    kept = make(tmp_path / "kept")
    make(kept / "file", "x")
    (top / "inner").symlink_to(kept)
    (tmp_path / "link").symlink_to(kept)
    for name in ("top", "link", "missing"):
        tree.remove_tree(str(tmp_path / name))
    make(tmp_path / "single", "x")
    tree.remove_tree(str(tmp_path / "single"))
    assert os.listdir(tmp_path) == ["kept"]
    assert os.listdir(kept) == ["file"]


def test_remove_tree_goes_on_where_an_entry_vanishes(top, monkeypatch):
    make(top / "file", "x")

    def vanished(_path):
        raise FileNotFoundError(2, "No such file or directory", "other")

    monkeypatch.setattr(tree.shutil, "rmtree", vanished)
    tree.remove_tree(str(top))
    assert not top.exists()


def test_remove_tree_says_what_stays(top, monkeypatch):
    make(top / "file", "x")
    monkeypatch.setattr(tree.shutil, "rmtree", lambda _path: os.rmdir(top))
    refused = (1, "", "rm: cannot remove 'top/\x1bfile': Operation not permitted\n")
    monkeypatch.setattr(tree, "run_bounded", lambda _argv: refused)
    with pytest.raises(OSError, match=r"top' cannot be removed: .*Operation not permitted") as caught:
        tree.remove_tree(str(top))
    assert "\x1b" not in str(caught.value)


def test_write_file_makes_directories_and_gives_all_to_the_owner(top):
    tree.write_file(str(top), "conf/shop/local.cfg", "käse", (OWNER, GROUP))
    assert (top / "conf" / "shop" / "local.cfg").read_text(encoding="utf-8") == "käse"
    assert state(top / "conf" / "shop" / "local.cfg") == (OWNER, GROUP, "0o600")
    assert state(top / "conf") == state(top / "conf" / "shop") == (OWNER, GROUP, "0o700")


def test_write_file_keeps_a_directory_that_is_there(top):
    make(top / "conf", mode=0o755, owner=OTHER)
    tree.write_file(str(top), "conf/local.cfg", "x", (OWNER, GROUP))
    assert state(top / "conf") == (OTHER, OTHER, "0o755")


@pytest.mark.parametrize("kind", ["link", "dangling link", "file", "second name"])
def test_write_file_replaces_what_has_the_name(top, tmp_path, kind):
    outside = make(tmp_path / "outside", "untouched")
    if kind == "file":
        make(top / "name", "old", mode=0o666)
    elif kind == "second name":
        os.link(outside, top / "name")
    else:
        (top / "name").symlink_to(outside if kind == "link" else tmp_path / "new")
    tree.write_file(str(top), "name", "x", (OWNER, OWNER))
    assert outside.read_text() == "untouched"
    assert not (tmp_path / "new").exists()
    assert state(top / "name") == (OWNER, OWNER, "0o600")
    assert (top / "name").read_text() == "x"


@pytest.mark.parametrize("name", ["conf/x", "a/conf/x"])
def test_write_file_follows_no_link(top, tmp_path, name):
    (tmp_path / "outside").mkdir()
    make(top / "a")
    for place in (top, top / "a"):
        (place / "conf").symlink_to(tmp_path / "outside")
    with pytest.raises(tree.UntrustedEntry, match="conf' is a symbolic link"):
        tree.write_file(str(top), name, "x", (OWNER, OWNER))
    assert os.listdir(tmp_path / "outside") == []


def test_write_file_does_not_replace_a_directory_and_goes_through_no_file(top):
    make(top / "conf")
    make(top / "file", "x")
    with pytest.raises(IsADirectoryError, match="/top/conf'"):
        tree.write_file(str(top), "conf", "x", (OWNER, OWNER))
    with pytest.raises(tree.UntrustedEntry, match="file' is not a directory"):
        tree.write_file(str(top), "file/x", "x", (OWNER, OWNER))


def test_make_directory_creates_and_corrects(top):
    def done(**options):
        return tree.make_directory(descriptor, "media", "/srv/media", (OWNER, GROUP), 0o2750, **options)

    with tree.opened(str(top)) as descriptor:
        assert done() is True
        assert state(top / "media") == (OWNER, GROUP, "0o2750")
        assert done() is False
        (top / "media").chmod(0o777)
        assert done(keep=True) is False
        assert done() is True
        assert state(top / "media") == (OWNER, GROUP, "0o2750")


@pytest.mark.parametrize(
    ("target", "words"), [("outside", "symbolic link"), ("nowhere", "symbolic link"), (None, "not a directory")]
)
def test_make_directory_refuses_other_files(top, tmp_path, target, words):
    outside = make(tmp_path / "outside", owner=OTHER, mode=0o711)
    make(top / "media", "x") if target is None else (top / "media").symlink_to(tmp_path / target)
    with tree.opened(str(top)) as descriptor, pytest.raises(tree.UntrustedEntry, match=f"'/srv/media' is .*{words}"):
        tree.make_directory(descriptor, "media", "/srv/media", (OWNER, OWNER), 0o755)
    assert state(outside) == (OTHER, OTHER, "0o711")
    assert not (tmp_path / "nowhere").exists()
