"""The revision and the archive of a source on the controller."""

from __future__ import annotations

import os
import tarfile

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import source


@pytest.fixture
def project(tmp_path):
    for name in ("manage.py", "shop/settings.py", "shop/static/app.css"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_files_of_development_are_excluded(project):
    for name in (
        *(".git/config", "__pycache__/a.pyc", "shop/__pycache__/b.pyc", "shop/c.pyc", "db.sqlite3", "db.sqlite3-wal"),
        *("media/upload.png", "staticfiles/app.css", ".venv/pyvenv.cfg", "env/pyvenv.cfg", "env/bin/python"),
    ):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert list(source.files(str(project))) == ["manage.py", "shop/settings.py", "shop/static/app.css"]


def test_an_app_named_media_is_code(project):
    (project / "media").mkdir()
    (project / "media" / "__init__.py").write_text("")
    (project / "shop" / "media").mkdir()
    (project / "shop" / "media" / "logo.png").write_text("")
    assert {"media/__init__.py", "shop/media/logo.png"} <= set(source.files(str(project)))


def test_media_of_a_project_in_a_subdirectory(project):
    (project / "shop" / "media").mkdir()
    (project / "shop" / "media" / "upload.png").write_text("")
    assert "shop/media/upload.png" not in set(source.files(str(project), "shop"))


def test_the_revision_is_the_content(project):
    before = source.revision({"directory": str(project)})
    os.utime(project / "manage.py", (1, 1))
    assert source.revision({"directory": str(project)}) == before
    (project / "manage.py").chmod(0o755)
    executable = source.revision({"directory": str(project)})
    (project / "manage.py").rename(project / "manage2.py")
    renamed = source.revision({"directory": str(project)})
    (project / "manage2.py").write_text("other")
    assert len({before, executable, renamed, source.revision({"directory": str(project)})}) == 4


def test_names_and_contents_are_hashed_separately(tmp_path):
    for name, files in {"a": {"xy": "z"}, "b": {"x": "yz"}}.items():
        (tmp_path / name).mkdir()
        for file, content in files.items():
            (tmp_path / name / file).write_text(content)
    assert source.revision({"directory": str(tmp_path / "a")}) != source.revision({"directory": str(tmp_path / "b")})


def test_links_are_packed_as_links(project, tmp_path):
    (project / "latest").symlink_to("shop")
    (project / "dangling").symlink_to("nowhere")
    before = source.revision({"directory": str(project)})
    source.pack(str(project), str(tmp_path / "archive"))
    with tarfile.open(tmp_path / "archive") as archive:
        assert archive.getmember("latest").issym()
        assert archive.getmember("dangling").linkname == "nowhere"
    (project / "latest").unlink()
    (project / "latest").symlink_to("elsewhere")
    assert source.revision({"directory": str(project)}) != before


def test_other_kinds_of_revision(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert source.revision({"archive": str(tmp_path / "a.zip")}) == empty
    assert source.revision({"archive": "https://example.com/a.zip", "checksum": "sha256:ABC"}) == "abc"
    assert source.revision({"pypi": "shop==1.0"}) != source.revision({"pypi": "shop==1.1"})
    assert source.revision({"git": "https://example.com/a.git"}) == ""


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://bot:to%40ken@example.com/a.git", ("https://example.com/a.git", "bot:to@ken")),
        ("https://example.com/a.git", ("https://example.com/a.git", "")),
        ("ssh://git@example.com/a.git", ("ssh://git@example.com/a.git", "")),
        ("git@example.com:a.git", ("git@example.com:a.git", "")),
    ],
)
def test_split_credentials(url, expected):
    assert source.split_credentials(url) == expected
