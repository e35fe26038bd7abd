"""The files of a source on the controller are read for the version of Python that they require."""

import io
import os
import tarfile
import zipfile

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.project_files import required_pythons

TEXT = '[project]\nrequires-python = ">=3.12"\n'


def specifiers(source, files=None, listed=""):
    params = {"source": source, "files": files or {}, "requirements_file": listed}
    return [one["specifier"] for one in required_pythons(params)]


def test_a_directory(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "pyproject.toml").write_text(TEXT)
    assert specifiers({"directory": str(tmp_path)}) == [">=3.12"]
    assert specifiers({"directory": str(tmp_path), "subdirectory": "site"}) == [">=3.12"]
    (tmp_path / "site/uv.lock").write_text("requires-python = '>=3.13'")
    assert specifiers({"directory": str(tmp_path), "subdirectory": "site"}) == [">=3.13"]


def test_the_list_that_the_inventory_names(tmp_path):
    (tmp_path / "uv.lock").write_text("requires-python = '>=3.13'")
    (tmp_path / "pylock.web.toml").write_text("requires-python = '>=3.14'")
    source = {"directory": str(tmp_path)}
    assert specifiers(source, listed="pylock.web.toml") == [">=3.14"]
    # That lock is not installed.
    assert specifiers(source, listed="requirements.txt") == []


def test_a_file_of_the_inventory_replaces_one_of_the_source(tmp_path):
    (tmp_path / "pyproject.toml").write_text(TEXT)
    files = {"pyproject.toml": TEXT.replace("12", "11")}
    assert specifiers({"directory": str(tmp_path)}, files) == [">=3.11"]
    assert specifiers({"git": "https://example.com/shop.git", "subdirectory": "a"}, files) == [">=3.11"]


def zipped(path, names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, TEXT)


def tarred(path, names):
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(TEXT)
            archive.addfile(member, io.BytesIO(TEXT.encode()))


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["pyproject.toml", "a/b"], [">=3.12"]),
        (["shop-1.0/pyproject.toml", "shop-1.0/manage.py"], [">=3.12"]),
        (["./shop-1.0/pyproject.toml"], [">=3.12"]),
        (["docs/pyproject.toml", "manage.py"], []),
    ],
)
def test_an_archive(tmp_path, make, names, expected):
    make(tmp_path / "archive", names)
    assert specifiers({"archive": str(tmp_path / "archive")}) == expected


def test_an_archive_that_cannot_be_read(tmp_path):
    (tmp_path / "archive").write_text("no archive")
    with pytest.raises(ValueError, match=r"source: .* cannot be read(.|\n)*Nothing was changed"):
        specifiers({"archive": str(tmp_path / "archive")})


def test_what_the_host_fetches_is_not_read_here():
    assert specifiers({"archive": "https://example.com/a.zip"}) == specifiers({"pypi": "shop==1"}) == []


def test_a_project_that_is_not_valid(tmp_path):
    (tmp_path / "pyproject.toml").write_text("not toml")
    with pytest.raises(ValueError, match="is not valid"):
        specifiers({"directory": str(tmp_path)})


def damage(content, kind):
    """Mark the first file of a zip as encrypted, or as packed by an unknown method; or damage an xz in its middle."""
    found = bytearray(content)
    entry = found.find(b"PK\1\2")
    if kind == "encrypted":
        found[6] |= 1
        found[entry + 8] |= 1
    elif kind == "unknown method":
        found[entry + 10] = 99
    else:
        found[len(found) // 2 : len(found) // 2 + 50] = bytes(50)
    return bytes(found)


@pytest.mark.parametrize("kind", ["encrypted", "unknown method", "xz"])
def test_a_damaged_archive(tmp_path, kind):
    path, content = tmp_path / "archive", os.urandom(50_000)
    if kind == "xz":
        with tarfile.open(path, "w:xz") as archive:
            info = tarfile.TarInfo("pyproject.toml")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("pyproject.toml", content)
    path.write_bytes(damage(path.read_bytes(), kind))
    with pytest.raises(ValueError, match=r"source: .* cannot be read"):
        specifiers({"archive": str(path)})
