"""The source of a release is downloaded, unpacked and protected."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
import tarfile
import zipfile

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import source
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core.tree import UntrustedEntry

# Numbers that this machine does not have.
OWNER, GROUP = 4_242_001, 4_242_003


def test_download_checks_the_content(tmp_path):
    content = b"an archive"
    digest = hashlib.sha256(content).hexdigest()

    def fetch(_url):
        return io.BytesIO(content)

    source.download(fetch, "https://example.com/a.zip", f"sha256:{digest.upper()}", str(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == content
    with pytest.raises(ReleaseError, match=f"has the checksum sha256:{digest}, but sha256:00"):
        source.download(fetch, "https://example.com/a.zip", "sha256:00", str(tmp_path / "a"))


def test_download_names_the_address(tmp_path):
    def fetch(_url):
        raise OSError("HTTP Error 404: Not Found")

    with pytest.raises(ReleaseError, match=r"cannot fetch 'https://example.com/a.zip': HTTP Error 404"):
        source.download(fetch, "https://example.com/a.zip", "sha256:00", str(tmp_path / "a"))


def test_zip_files_are_unpacked_without_their_top_directory(builder, tmp_path):
    archive, target = tmp_path / "a", tmp_path / "src"
    target.mkdir()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("shop-1.0/manage.py", "x")
    source.unpack(builder, sys.executable, str(archive), str(target))
    source.unwrap(str(target))
    assert os.listdir(target) == ["manage.py"]


def test_tar_files_are_unpacked_without_owners_and_modes(builder, tmp_path):
    archive, target = tmp_path / "a", tmp_path / "src"
    target.mkdir()
    with tarfile.open(archive, "w:gz") as file:
        entry = tarfile.TarInfo("shop-1.0/manage.py")
        entry.mode, entry.uid = 0o4777, OWNER
        file.addfile(entry)
    source.unpack(builder, sys.executable, str(archive), str(target))
    source.unwrap(str(target))
    found = (target / "manage.py").stat()
    assert (found.st_uid, found.st_mode & 0o7022) == (0, 0)
    assert builder.calls[0][1:3] == ([str(target)], str(target))


def test_an_invalid_archive(builder, tmp_path):
    (tmp_path / "a").write_text("no archive")
    with pytest.raises(ReleaseError, match="tar"):
        source.unpack(builder, sys.executable, str(tmp_path / "a"), str(tmp_path))


def test_a_link_is_not_unwrapped(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "src" / "shop").symlink_to("../outside")
    source.unwrap(str(tmp_path / "src"))
    assert os.listdir(tmp_path / "src") == ["shop"]


def test_several_entries_are_not_unwrapped(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "manage.py").write_text("x")
    source.unwrap(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ["manage.py", "shop"]


def test_protect(tmp_path):
    (tmp_path / "shop").mkdir()
    for name, mode in {"settings.py": 0o666, "manage.py": 0o777}.items():
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
    (tmp_path / "link").symlink_to("/nowhere")
    for path in (tmp_path, *tmp_path.iterdir()):
        os.chown(path, OWNER, OWNER, follow_symlinks=False)
    source.protect(str(tmp_path), OWNER, GROUP)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("shop", "settings.py", "manage.py", ".")}
    assert modes == {"shop": 0o750, "settings.py": 0o640, "manage.py": 0o750, ".": 0o750}
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in (tmp_path, *tmp_path.iterdir())} == {(0, GROUP)}


def test_added_files_replace_those_of_the_source(tmp_path):
    src, project = tmp_path / "src", tmp_path / "src" / "backend"
    project.mkdir(parents=True)
    (tmp_path / "outside").write_text("untouched")
    (project / ".env").symlink_to(tmp_path / "outside")
    source.add_files(str(src), str(project), {".env": "DEBUG=0\n", "shop/local.py": "X = 1\n"}, (OWNER, OWNER))
    assert (tmp_path / "outside").read_text() == "untouched"
    assert (project / ".env").read_text() == "DEBUG=0\n"
    assert (project / "shop" / "local.py").read_text() == "X = 1\n"
    found = (project / ".env").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (OWNER, 0o600)


def test_added_files_do_not_follow_links_out_of_the_source(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "src" / "conf").symlink_to(tmp_path / "etc")
    with pytest.raises(UntrustedEntry, match="conf' is a symbolic link"):
        source.add_files(str(tmp_path / "src"), str(tmp_path / "src"), {"conf/shop.cfg": "x"}, (OWNER, OWNER))
    with pytest.raises(ReleaseError, match=r"files: '\.\./shop\.cfg' would be outside of the source"):
        source.add_files(str(tmp_path / "src"), str(tmp_path / "src"), {"../shop.cfg": "x"}, (OWNER, OWNER))
    assert list((tmp_path / "etc").iterdir()) == []


def test_a_file_outside_of_the_source_is_not_opened(tmp_path, monkeypatch):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "uv.lock").symlink_to("/dev/null")
    opened = []
    monkeypatch.setattr(source.os, "open", lambda path, *_arguments: opened.append(path))
    assert source.read(str(tmp_path / "src"), str(tmp_path / "src" / "uv.lock")) is None
    assert opened == []


def test_a_list_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "uv.lock"
    path.write_bytes(b"caf\xe9")
    assert source.read(str(tmp_path), str(path)) == "caf\ufffd"
    os.truncate(path, source.MAX_LIST_BYTES + 1)
    assert source.read(str(tmp_path), str(path)) is None
