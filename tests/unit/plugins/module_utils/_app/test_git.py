"""Versions are resolved to commits, and commits are checked out."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import git as git_commands
from ansible_collections.gatehouse.django.plugins.module_utils._app.source import forget_history
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

# A number that this machine does not have.
OWNER = 4_242_001
NOTHING = {"credentials": [{"url": "", "authorization": "", "deploy_key": ""}], "known_hosts": ""}


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
    return git_commands.git_commit(builder, {"git": f"file://{repository}", "version": version}, NOTHING)


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


def test_files_of_a_commit_are_read_without_a_checkout(builder, repository):
    (repository / "a b").mkdir()
    (repository / "a b" / "uv.lock").write_bytes(b"x = '\xff'\n\n")
    (repository / "pyproject.toml").symlink_to("/etc/passwd")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "three")
    at = {"git": f"file://{repository}"}, git(repository, "rev-parse", "main"), NOTHING
    found = git_commands.git_files(builder, *at, ["manage.py", "a b/uv.lock", "pyproject.toml", "missing", "a b"])
    assert found == {"manage.py": "two", "a b/uv.lock": "x = '\ufffd'\n\n"}


def test_a_commit_that_is_no_tip_is_read_too(builder, repository):
    at = {"git": f"file://{repository}"}, git(repository, "rev-parse", "v1^{commit}"), NOTHING
    git(repository, "tag", "--delete", "v1")
    # Such a server serves only commits that a branch or a tag points to.
    settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.version", "GIT_CONFIG_VALUE_0": "0"}
    builder.environment |= settings
    assert git_commands.git_files(builder, *at, ["manage.py"]) == {"manage.py": "one"}


def test_files_of_a_repository_that_cannot_be_read(builder, tmp_path):
    assert (
        git_commands.git_files(builder, {"git": f"file://{tmp_path}/nowhere"}, "0" * 40, NOTHING, ["manage.py"]) == {}
    )


def checkout(builder, repository, target, version, **options):
    target.mkdir()
    git_commands.git_checkout(builder, {"git": f"file://{repository}", **options}, version, NOTHING, str(target))


def test_checkout_without_history(builder, repository, tmp_path):
    target = tmp_path / "src"
    checkout(builder, repository, target, git(repository, "rev-parse", "v1^{commit}"))
    assert (target / "manage.py").read_text() == "one"
    assert git(target, "rev-list", "--count", "HEAD") == "1"
    assert stat.S_IMODE((target / "manage.py").stat().st_mode) == 0o644
    assert builder.calls[0][1:3] == ([str(target)], str(target))
    forget_history(str(target))
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


def test_submodules_are_left_out(builder, repository, tmp_path):
    git(repository, "submodule", "--quiet", "add", f"file://{repository}", "lib")
    git(repository, "commit", "--quiet", "--message", "lib")
    checkout(builder, repository, tmp_path / "src", git(repository, "rev-parse", "main"), submodules=False)
    assert os.listdir(tmp_path / "src" / "lib") == []


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 4\n"


@pytest.fixture
def with_lfs(repository):
    """The commit of a file of Git LFS, which is a pointer in the repository."""
    (repository / ".gitattributes").write_text("*.png filter=lfs diff=lfs merge=lfs -text\n")
    (repository / "logo.png").write_text(POINTER)
    git(repository, "-c", "filter.lfs.clean=cat", "add", ".")
    git(repository, "commit", "--quiet", "--message", "logo")
    return git(repository, "rev-parse", "main")


def test_pointers_are_refused_unless_the_operator_wants_them(builder, repository, with_lfs, tmp_path):
    with pytest.raises(ReleaseError, match=r"Git LFS, like 'logo\.png'(.|\n)*Set lfs in source to true"):
        checkout(builder, repository, tmp_path / "src", with_lfs)
    checkout(builder, repository, tmp_path / "pointers", with_lfs, lfs=False)
    assert (tmp_path / "pointers" / "logo.png").read_text() == POINTER


def test_pointers_in_a_submodule_are_refused(builder, repository, with_lfs, tmp_path):
    git(tmp_path, "clone", "--quiet", f"file://{repository}", "outer")
    outer = tmp_path / "outer"
    git(outer, "rm", "--quiet", "logo.png")
    git(outer, "submodule", "--quiet", "add", f"file://{repository}", "lib")
    git(outer, "commit", "--quiet", "--message", "lib")
    builder.environment["GIT_ALLOW_PROTOCOL"] = "file"
    with pytest.raises(ReleaseError, match=r"Git LFS, like 'logo\.png'"):
        checkout(builder, outer, tmp_path / "src", git(outer, "rev-parse", "HEAD"))


def test_access_is_checked_for_every_repository_that_is_named(builder, repository):
    source = {"git": f"file://{repository}", "version": "0" * 40}
    urls = [source["git"], f"file://{repository}", "https://example.test/group/"]
    access = {"credentials": [{"url": url, "authorization": "", "deploy_key": ""} for url in urls], "known_hosts": ""}
    assert git_commands.check_access(builder, source, access) == ""
    assert [argv[4] for argv, *_rest in builder.calls] == urls[:2]
    access["credentials"][1]["url"] = "file:///nowhere.git"
    with pytest.raises(ReleaseError, match=r"the host cannot read the git repository 'file:///nowhere\.git'"):
        git_commands.check_access(builder, source, access)


def test_a_server_that_does_not_answer(builder, repository, tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (programs / "git").chmod(0o755)
    builder.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    monkeypatch.setattr(git_commands, "LIST_REFS", git_commands.LIST_REFS.replace("timeout 60", "timeout 0.1"))
    with pytest.raises(ReleaseError, match=r"no answer within 60 seconds\nThe host cannot reach the server"):
        commit(builder, repository)


def test_access_cannot_be_checked_without_git(builder, monkeypatch):
    monkeypatch.setattr(git_commands.shutil, "which", lambda _name: None)
    said = git_commands.check_access(builder, {"git": "https://example.test/shop.git"}, NOTHING)
    assert "the host has no git yet" in said and "https://example.test/shop.git" in said
    assert git_commands.check_access(builder, {"pypi": "shop==1"}, NOTHING) == ""
    assert builder.calls == []


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
