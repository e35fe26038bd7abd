"""Files survive a power failure: the content is on the disk before the name."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import generation, host_state

FILES = {
    "http.conf": "# shared\n",
    "sites/shop.conf": "# shop\n",
    "state.json": '{"owns_nginx_conf": false, "sites": {}}',
}


@pytest.fixture
def order(monkeypatch):
    """Each fsync, with the size of what is brought to the disk, and each rename, in order."""
    order = []
    fsync, rename = os.fsync, os.replace

    def synced(descriptor):
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        order.append(("fsync", path, sorted(os.listdir(path)) if os.path.isdir(path) else os.fstat(descriptor).st_size))
        fsync(descriptor)

    def renamed(source, target):
        order.append(("rename", str(source), str(target)))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    monkeypatch.setattr(Path, "replace", lambda path, target: renamed(path, target) or Path(target))
    return order


def test_a_generation_is_on_the_disk_before_it_has_its_name(order, tmp_path):
    generation.build(str(tmp_path), 7, FILES)
    home = tmp_path / "gatehouse/generations"
    named = order.index(("rename", f"{home}/.7.gatehouse-new", f"{home}/7"))
    before = order[:named]
    for path, content in FILES.items():
        assert ("fsync", f"{home}/.7.gatehouse-new/{path}", len(content)) in before
    assert ("fsync", f"{home}/.7.gatehouse-new", ["http.conf", "sites", "state.json"]) in before
    assert ("fsync", f"{home}/.7.gatehouse-new/sites", ["shop.conf"]) in before
    assert order[named + 1 :] == [("fsync", str(home), ["7"])]


def test_the_directories_above_the_first_generation_are_on_the_disk_as_well(order, tmp_path):
    generation.build(str(tmp_path), 1, FILES)
    assert ("fsync", str(tmp_path), ["gatehouse"]) in order
    assert ("fsync", str(tmp_path / "gatehouse"), ["generations"]) in order


def test_a_file_is_on_the_disk_before_it_has_its_name(order, tmp_path):
    path = tmp_path / "nginx.conf"
    path.write_text("# old, and longer\n")
    files.replace(path, "# new\n")
    new = str(tmp_path / ".nginx.conf.gatehouse-new")
    assert order == [
        ("fsync", new, len("# new\n")),
        ("rename", new, str(path)),
        ("fsync", str(tmp_path), ["nginx.conf"]),
    ]


def test_a_link_is_on_the_disk_when_it_has_been_pointed_elsewhere(order, tmp_path):
    files.point(tmp_path / "live", "generations/7")
    assert order == [
        ("rename", str(tmp_path / ".live.gatehouse-new"), str(tmp_path / "live")),
        ("fsync", str(tmp_path), ["live"]),
    ]


def test_a_link_that_leads_there_already_is_not_touched(order, tmp_path):
    (tmp_path / "live").symlink_to("generations/7")
    files.point(tmp_path / "live", "generations/7")
    assert order == []


def test_a_removal_is_synced_to_the_disk(order, tmp_path):
    (tmp_path / "zz-gatehouse.conf").touch()
    files.remove(tmp_path / "zz-gatehouse.conf")
    assert order == [("fsync", str(tmp_path), [])]


def test_the_original_nginx_conf_is_kept_on_the_disk_before_it_is_replaced(order, tmp_path):
    conf_path = tmp_path / "nginx.conf"
    conf_path.write_text("# theirs\n")
    generation.build(str(tmp_path), 1, FILES)
    wanted = host_state.HostState(generation.read(str(tmp_path), 1), {str(conf_path): "# ours\n"})
    order.clear()
    host_state.switch({"conf_path": str(conf_path), "conf_dir": str(tmp_path)}, wanted)
    saved = str(tmp_path / "gatehouse/nginx.conf.original")
    targets = [target for what, _source, target in order if what == "rename"]
    assert targets == [saved, str(tmp_path / "gatehouse/live"), str(conf_path)]
    kept = [what for what, path, *_rest in order if Path(path).parent == tmp_path / "gatehouse"]
    assert kept[:2] == ["fsync", "rename"]
    assert Path(saved).read_text() == "# theirs\n"


def test_a_disk_that_is_full_is_named_with_the_file(monkeypatch, tmp_path):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*http\.conf'"):
        files.write(tmp_path / "http.conf", "# shared\n")
    # Half of a file would only take the room that is lacking.
    assert list(tmp_path.iterdir()) == []


def test_sweep_removes_nothing_on_a_clean_host(monkeypatch, tmp_path):
    """A file system that is read-only would refuse it."""
    monkeypatch.setattr(Path, "unlink", lambda path, **_options: pytest.fail(f"{path} is removed"))
    files.sweep([tmp_path / "nginx.conf"])


def test_bytes_of_any_encoding_are_preserved(tmp_path):
    theirs = b"# Caf\xe9\n"
    (tmp_path / "nginx.conf").write_bytes(theirs)
    files.replace(tmp_path / "kept", files.read(tmp_path / "nginx.conf"))
    assert (tmp_path / "kept").read_bytes() == theirs


def test_mode_and_owner_are_kept(tmp_path):
    path = tmp_path / "nginx.conf"
    path.write_text("# old\n")
    path.chmod(0o640)
    files.replace(path, "# new\n")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_symlink_is_written_through(tmp_path):
    (tmp_path / "main.conf").write_text("# old\n")
    (tmp_path / "nginx.conf").symlink_to("main.conf")
    files.replace(tmp_path / "nginx.conf", "# new\n")
    assert (tmp_path / "nginx.conf").is_symlink()
    assert (tmp_path / "main.conf").read_text() == "# new\n"


def test_a_secret_is_never_open_to_others(monkeypatch, tmp_path):
    modes = []
    fsync = os.fsync

    def synced(descriptor):
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        fsync(descriptor)

    path = tmp_path / "shop.pem"
    path.write_text("open to all")
    files.temporary(path).write_text("left by a run that was killed")
    files.temporary(path).chmod(0o644)
    monkeypatch.setattr(os, "fsync", synced)
    files.replace(path, "secret", 0o600)
    assert (modes[0], path.stat().st_mode & 0o777, path.read_text()) == (0o600, 0o600, "secret")
