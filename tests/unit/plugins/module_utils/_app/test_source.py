"""The source of a release is fetched and unpacked."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import source
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core.tree import UntrustedEntry

# Numbers that this machine does not have.
OWNER, GROUP = 4_242_001, 4_242_003


class Direct:
    """Stands for the Builder: runs a command at once, with a /tmp of its own for git's script, and as this user."""

    cache = "/nonexistent"

    def __init__(self, temporary):
        self.temporary, self.calls = temporary, []
        self.environment = {"PATH": os.environ["PATH"]}

    def attempt(self, argv, *, writable=(), cwd="/", env=None):
        self.calls.append((argv, writable, cwd, env))
        if argv[0] == "sh":
            argv = [*argv[:2], argv[2].replace("/tmp/", f"{self.temporary}/"), *argv[3:]]
        done = subprocess.run(
            argv, cwd=cwd, env={**self.environment, **(env or {})}, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    def run(self, argv, **options):
        code, out, err = self.attempt(argv, **options)
        if code != 0:
            raise ReleaseError(err)
        return out


@pytest.fixture
def builder(tmp_path):
    (tmp_path / "private").mkdir()
    return Direct(tmp_path / "private")


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


def commit(builder, repository, version=None):
    return source.git_commit(builder, {"git": f"file://{repository}", "version": version}, {})


def test_git_versions(builder, repository):
    first, second = git(repository, "rev-parse", "v1^{commit}"), git(repository, "rev-parse", "main")
    assert commit(builder, repository) == second
    assert commit(builder, repository, "main") == second
    assert commit(builder, repository, "v1") == first
    builder.calls.clear()
    assert commit(builder, repository, first) == first
    assert builder.calls == []


def test_a_version_does_not_match_the_end_of_a_ref(builder, repository):
    git(repository, "branch", "release/main-2")
    with pytest.raises(ReleaseError, match="no branch or tag 'main-2'"):
        commit(builder, repository, "main-2")


def test_a_missing_version_and_a_missing_repository_differ(builder, repository, tmp_path):
    with pytest.raises(ReleaseError, match="no branch or tag 'v9'"):
        commit(builder, repository, "v9")
    with pytest.raises(
        ReleaseError, match=r"the host cannot read the git repository .*nowhere(.|\n)*source.deploy_key"
    ):
        commit(builder, tmp_path / "nowhere", "v1")


def test_a_repository_of_another_user_is_read(builder, repository):
    for path in (repository, *repository.rglob("*")):
        os.chown(path, OWNER, OWNER)
    assert commit(builder, repository) == git_as(repository, "rev-parse", "main")


def git_as(repository, *arguments):
    return git(repository, "-c", f"safe.directory={repository}", *arguments)


def checkout(builder, repository, target, version):
    target.mkdir()
    source.git_checkout(builder, {"git": f"file://{repository}"}, version, {}, str(target))


def test_checkout_without_history(builder, repository, tmp_path):
    target = tmp_path / "src"
    checkout(builder, repository, target, git(repository, "rev-parse", "v1^{commit}"))
    assert (target / "manage.py").read_text() == "one"
    assert git(target, "rev-list", "--count", "HEAD") == "1"
    assert stat.S_IMODE((target / "manage.py").stat().st_mode) == 0o644
    assert builder.calls[0][1:3] == ([str(target)], str(target))
    source.forget_history(str(target))
    assert sorted(os.listdir(target)) == ["manage.py"]


def test_submodules_are_checked_out(builder, repository, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet", "--initial-branch", "main")
    (inner / "lib.py").write_text("x")
    git(inner, "add", ".")
    git(inner, "commit", "--quiet", "--message", "one")
    git(repository, "submodule", "--quiet", "add", f"file://{inner}", "lib")
    git(repository, "commit", "--quiet", "--message", "lib")
    # What an address of a server needs no permission for.
    builder.environment["GIT_ALLOW_PROTOCOL"] = "file"
    checkout(builder, repository, tmp_path / "src", git(repository, "rev-parse", "main"))
    assert (tmp_path / "src" / "lib" / "lib.py").read_text() == "x"


def test_a_submodule_cannot_name_a_path_of_the_host(builder, repository, tmp_path):
    git(repository, "submodule", "--quiet", "add", f"file://{repository}", "lib")
    git(repository, "config", "--file", ".gitmodules", "submodule.lib.url", str(repository))
    git(repository, "add", ".gitmodules")
    git(repository, "commit", "--quiet", "--message", "lib")
    with pytest.raises(ReleaseError, match="transport 'file' not allowed"):
        checkout(builder, repository, tmp_path / "src", git(repository, "rev-parse", "main"))


def test_the_error_for_a_missing_commit_does_not_show_the_script(builder, repository, tmp_path):
    with pytest.raises(ReleaseError, match=r"git cannot check out 0{40} of 'file://.*origin' \(\d+\):\n") as caught:
        checkout(builder, repository, tmp_path / "src", "0" * 40)
    assert "set -eu" not in str(caught.value)


def test_credentials_go_to_their_repository_only_and_not_into_arguments():
    environment = source.git_environment("https://example.com/group/shop.git", {"authorization": "bot:token"})
    assert environment["GIT_CONFIG_KEY_0"] == "http.https://example.com/group/shop.git.extraHeader"
    assert environment["GIT_CONFIG_VALUE_0"] == "Authorization: Basic " + base64.b64encode(b"bot:token").decode()
    assert source.git_environment("https://example.com/shop.git", {"authorization": ""}) == {"HOME": "/nonexistent"}


ACCESS = {
    "deploy_key": "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
    "known_hosts": "example.com ssh-ed25519 AAAA\n",
}


def test_ssh_gets_the_key_from_a_file_and_git_not_from_its_environment(builder, tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").write_text('#!/bin/sh\nprintf "%s\\n" "$GIT_SSH_COMMAND"; env\n')
    (programs / "git").chmod(0o755)
    environment = source.git_environment("git@example.com:shop.git", ACCESS)
    environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    code, out, _err = builder.attempt(["sh", "-c", source.LIST_REFS, "git", "x"], env=environment)
    key, known = builder.temporary / "deploy_key", builder.temporary / "known_hosts"
    assert code == 0
    assert out.splitlines()[0] == (
        f"ssh -F /dev/null -o BatchMode=yes -i {key} -o IdentitiesOnly=yes "
        f"-o UserKnownHostsFile={known} -o StrictHostKeyChecking=yes"
    )
    assert "GATEHOUSE" not in out and "BEGIN KEY" not in out
    assert (key.read_text(), known.read_text()) == (ACCESS["deploy_key"], ACCESS["known_hosts"])
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_an_ssh_command_of_the_build_environment_stays(builder, tmp_path):
    (tmp_path / "git").write_text('#!/bin/sh\nprintf "%s\\n" "$GIT_SSH_COMMAND"\n')
    (tmp_path / "git").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GIT_SSH_COMMAND": "ssh -J jump"}
    assert builder.run(["sh", "-c", source.LIST_REFS, "git"], env=environment) == "ssh -J jump\n"


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
