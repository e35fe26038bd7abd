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


def pack(project, target):
    given = {"directory": str(project)}
    source.pack(str(project), source.files(given), str(target), source.revision(given))


def test_links_are_packed_as_links(project, tmp_path_factory):
    (project / "latest").symlink_to("shop")
    (project / "dangling").symlink_to("nowhere")
    before, target = source.revision({"directory": str(project)}), tmp_path_factory.mktemp("packed") / "archive"
    pack(project, target)
    with tarfile.open(target) as archive:
        assert archive.getmember("latest").issym()
        assert archive.getmember("dangling").linkname == "nowhere"
    (project / "latest").unlink()
    (project / "latest").symlink_to("elsewhere")
    assert source.revision({"directory": str(project)}) != before


def test_the_archive_has_the_files_of_the_revision(project, tmp_path_factory):
    for name in (".env", "node_modules/a.js", "shop/x.log"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("x")
    before, target = source.revision({"directory": str(project)}), tmp_path_factory.mktemp("packed") / "archive"
    (project / ".gitignore").write_text("*.log\n")
    pack(project, target)
    with tarfile.open(target) as archive:
        assert archive.getnames() == [".gitignore", "manage.py", "shop/settings.py", "shop/static/app.css"]
    (project / "shop/x.log").write_text("y")
    (project / ".env").write_text("y")
    (project / ".gitignore").unlink()
    (project / "shop/x.log").write_text("x")
    assert source.revision({"directory": str(project)}) == before


def test_a_directory_that_changes_while_it_is_packed(project, tmp_path_factory):
    given, target = {"directory": str(project)}, tmp_path_factory.mktemp("packed") / "archive"
    before = source.revision(given)
    (project / "manage.py").write_text("changed")
    with pytest.raises(ValueError, match=r"changed while they were packed\. The app was not changed\. Run the play"):
        source.pack(str(project), source.files(given), str(target), before)


def test_a_file_that_cannot_be_read(project):
    with pytest.raises(ValueError, match=r"the file 'gone' in directory .* cannot be read: No such file.*exclude"):
        source.directory_revision(str(project), ["gone"])


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
