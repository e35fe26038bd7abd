"""Static files are precompressed, and no content twice."""

from __future__ import annotations

import gzip
import importlib.util
import os
import shutil
from pathlib import Path

import pytest

COMPRESS = Path(__file__).resolve().parents[4] / "roles/django_app/files/gatehouse_compress.py"
TEXT = b"a {color: red}\n" * 200


@pytest.fixture
def module(monkeypatch):
    """Where there is no brotli."""
    spec = importlib.util.spec_from_file_location("gatehouse_compress", COMPRESS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.shutil, "which", lambda _name, path: None)
    return module


@pytest.fixture
def brotli(module, monkeypatch):
    """A stand-in for brotli, which CI may lack; answers what it was given."""
    given = []

    def pack(_command, content):
        given.append(content)
        return b"br" + content[:10]

    monkeypatch.setattr(module.shutil, "which", lambda _name, path: "/usr/bin/brotli")
    monkeypatch.setattr(module, "pack_with_brotli", pack)
    return given


@pytest.fixture
def static(tmp_path):
    """static(name, content): a file among the static files of the release that is built."""
    directory = tmp_path / "new"
    directory.mkdir()

    def write(name, content=TEXT):
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_bytes(content)
        return directory / name

    write.directory = directory
    return write


def names(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_text_is_compressed_with_the_same_modification_time(module, static, tmp_path):
    css = static("deep/style.css")
    module.compress(static.directory, tmp_path / "none")
    packed = css.with_name("style.css.gz")
    assert gzip.decompress(packed.read_bytes()) == TEXT
    assert packed.stat().st_mtime_ns == css.stat().st_mtime_ns
    first = packed.read_bytes()
    module.compress(static.directory, tmp_path / "none")
    assert packed.read_bytes() == first
    assert names(static.directory) == {"deep/style.css", "deep/style.css.gz"}


def test_files_without_a_gain_are_not_compressed(module, static, tmp_path):
    files = {
        "small.css": b"a {color: red}",
        "photo.jpg": bytes(5000),
        "random.js": os.urandom(5000),
    }
    for name, content in files.items():
        static(name, content)
    module.compress(static.directory, tmp_path / "none")
    assert names(static.directory) == set(files)


def test_brotli_is_used_if_installed(module, brotli, static, tmp_path):
    static("style.css")
    module.compress(static.directory, tmp_path / "none")
    assert names(static.directory) == {"style.css", "style.css.gz", "style.css.br"}
    assert brotli == [TEXT]


def test_a_file_and_its_hashed_copy_are_compressed_once(module, brotli, static, tmp_path):
    for name in ("app.js", "app.0123456789ab.js"):
        static(name)
    module.compress(static.directory, tmp_path / "none")
    assert brotli == [TEXT]
    for suffix in (".br", ".gz"):
        packed = {static.directory / f"{name}{suffix}" for name in ("app.js", "app.0123456789ab.js")}
        assert len({path.read_bytes() for path in packed}) == 1


def test_variants_of_the_current_release_are_reused(module, brotli, static, tmp_path):
    static("same.css")
    static("changed.css", TEXT + b"/* before */")
    module.compress(static.directory, tmp_path / "none")
    shutil.copytree(static.directory, tmp_path / "served")
    (tmp_path / "served" / "same.css.br").write_bytes(b"theirs")
    for path in static.directory.glob("*.css.*"):
        path.unlink()
    static("changed.css", TEXT + b"/* after */")
    brotli.clear()
    module.compress(static.directory, tmp_path / "served")
    assert (static.directory / "same.css.br").read_bytes() == b"theirs"
    assert brotli == [TEXT + b"/* after */"]
    assert gzip.decompress((static.directory / "changed.css.gz").read_bytes()) == TEXT + b"/* after */"


def test_an_error_of_brotli_is_raised(module, monkeypatch, static, tmp_path):
    static("style.css")
    monkeypatch.setattr(module.shutil, "which", lambda _name, path: "/bin/false")
    with pytest.raises(module.subprocess.CalledProcessError):
        module.compress(static.directory, tmp_path / "none")
