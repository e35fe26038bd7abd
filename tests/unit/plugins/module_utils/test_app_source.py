"""How the source of a release reaches the host."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import stat
import subprocess
import zipfile

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils import _app_source as source
from ansible_collections.gatehouse.django.plugins.module_utils._app_run import ReleaseError, Tools


def really(argv, cwd=None, environ_update=None, handle_exceptions=True):
    done = subprocess.run(
        argv, cwd=cwd, env={**os.environ, **(environ_update or {})}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def tools():
    return Tools(really, {})


def git(directory, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.test", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *identity, *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    if shutil.which("git") is None:
        pytest.fail("these tests need git")
    path = tmp_path / "origin"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch", "main")
    (path / "manage.py").write_text("one")
    git(path, "add", ".")
    git(path, "commit", "--quiet", "--message", "one")
    git(path, "tag", "--annotate", "--message", "first", "v1")
    (path / "manage.py").write_text("two")
    git(path, "commit", "--quiet", "--all", "--message", "two")
    git(path, "branch", "feature/v1")
    return path


def commit(tools, repository, version=None):
    return source.git_commit(tools, {"git": f"file://{repository}", "version": version}, "")


def test_git_versions(tools, repository):
    first, second = git(repository, "rev-parse", "v1^{commit}"), git(repository, "rev-parse", "main")
    assert commit(tools, repository) == second
    assert commit(tools, repository, "main") == second
    assert commit(tools, repository, "v1") == first
    assert commit(tools, repository, first) == first


def test_a_version_is_never_the_end_of_another_name(tools, repository):
    git(repository, "branch", "release/main-2")
    with pytest.raises(ReleaseError, match="no branch and no tag 'main-2'"):
        commit(tools, repository, "main-2")


def test_a_missing_version_and_a_missing_repository_differ(tools, repository, tmp_path):
    with pytest.raises(ReleaseError, match="no branch and no tag 'v9'"):
        commit(tools, repository, "v9")
    with pytest.raises(ReleaseError, match=r"does not answer on the host: .*nowhere"):
        commit(tools, tmp_path / "nowhere", "v1")


def test_checkout_without_history(tools, repository, tmp_path):
    target = tmp_path / "src"
    source.git_checkout(
        tools, {"git": f"file://{repository}"}, git(repository, "rev-parse", "v1^{commit}"), "", str(target)
    )
    assert (target / "manage.py").read_text() == "one"
    assert git(target, "rev-list", "--count", "HEAD") == "1"
    source.forget_history(str(target))
    assert sorted(os.listdir(target)) == ["manage.py"]


def test_credentials_go_to_their_server_only_and_not_into_arguments():
    environment = source.git_environment("https://example.com/group/shop.git", "bot:token")
    assert environment["GIT_CONFIG_KEY_0"] == "http.https://example.com/.extraHeader"
    assert environment["GIT_CONFIG_VALUE_0"] == "Authorization: Basic " + base64.b64encode(b"bot:token").decode()
    assert "GIT_CONFIG_COUNT" not in source.git_environment("https://example.com/shop.git", "")


def test_download_checks_the_content(tmp_path):
    content = b"an archive"
    digest = hashlib.sha256(content).hexdigest()

    def fetch(_url):
        return io.BytesIO(content)

    source.download(fetch, "https://example.com/a.zip", f"sha256:{digest.upper()}", str(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == content
    with pytest.raises(ReleaseError, match=f"has the checksum sha256:{digest}, not the expected sha256:00"):
        source.download(fetch, "https://example.com/a.zip", "sha256:00", str(tmp_path / "a"))


def test_download_names_the_address(tmp_path):
    def fetch(_url):
        raise OSError("HTTP Error 404: Not Found")

    with pytest.raises(ReleaseError, match=r"cannot fetch 'https://example.com/a.zip': HTTP Error 404"):
        source.download(fetch, "https://example.com/a.zip", "sha256:00", str(tmp_path / "a"))


def test_zip_files_are_unpacked_without_their_wrapping(tools, tmp_path):
    archive, target = tmp_path / "a", tmp_path / "src"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("shop-1.0/manage.py", "x")
    source.unpack(tools, str(archive), str(target))
    source.unwrap(str(target))
    assert os.listdir(target) == ["manage.py"]


def test_several_entries_are_no_wrapping(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "manage.py").write_text("x")
    source.unwrap(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ["manage.py", "shop"]


def test_protect(monkeypatch, tmp_path):
    (tmp_path / "shop").mkdir()
    for name, mode in {"settings.py": 0o666, "manage.py": 0o777}.items():
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
    (tmp_path / "link").symlink_to("/nowhere")
    owners = {}
    for name in ("chown", "lchown"):
        monkeypatch.setattr(os, name, lambda path, user, group: owners.update({os.path.basename(path): (user, group)}))
    source.protect(str(tmp_path), 77)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("shop", "settings.py", "manage.py", ".")}
    assert modes == {"shop": 0o750, "settings.py": 0o640, "manage.py": 0o750, ".": 0o750}
    assert set(owners.values()) == {(0, 77)}
    assert {"shop", "settings.py", "manage.py", "link", tmp_path.name} == set(owners)


def test_files_are_added_and_take_the_place_of_the_sources(tmp_path):
    src, project = tmp_path / "src", tmp_path / "src" / "backend"
    project.mkdir(parents=True)
    (tmp_path / "outside").write_text("untouched")
    (project / ".env").symlink_to(tmp_path / "outside")
    source.add_files(str(src), str(project), {".env": "DEBUG=0\n", "shop/local.py": "X = 1\n"})
    assert (tmp_path / "outside").read_text() == "untouched"
    assert (project / ".env").read_text() == "DEBUG=0\n"
    assert (project / "shop" / "local.py").read_text() == "X = 1\n"
    assert stat.S_IMODE((project / ".env").stat().st_mode) == 0o600


def test_no_file_follows_a_link_out_of_the_source(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "src" / "conf").symlink_to(tmp_path / "etc")
    with pytest.raises(ReleaseError, match=r"files: 'conf/shop\.cfg' would lie outside of the source"):
        source.add_files(str(tmp_path / "src"), str(tmp_path / "src"), {"conf/shop.cfg": "x"})
    assert list((tmp_path / "etc").iterdir()) == []
