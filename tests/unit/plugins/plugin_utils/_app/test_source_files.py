"""The files of a source directory, as git lists them."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source_files import (
    LARGE_BYTES,
    LARGE_FILES,
    describe_large,
    list_files,
)


def write(directory, *names, text="x"):
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def git(directory, *arguments):
    options = ["-c", "user.name=t", "-c", "user.email=t@example.test", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *options, *arguments], cwd=directory, capture_output=True, check=True)


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path_factory.getbasetemp()))


@pytest.fixture
def project(tmp_path):
    """A directory that is in no repository."""
    directory = tmp_path / "project"
    write(directory, "manage.py", "shop/settings.py", "shop/static/app.css")
    return directory


@pytest.fixture
def repository(project):
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "first")
    return project


CODE = ["manage.py", "shop/settings.py", "shop/static/app.css"]
OF_DEVELOPMENT = (
    *(".env", ".env.production", "shop/.env", ".envs/.production/.django", ".envrc", "node_modules/a/index.js"),
    *("theme/node_modules/b.js", "__pycache__/a.pyc", "shop/__pycache__/b.pyc", "shop/c.pyc", "db.sqlite3"),
    *("db.sqlite3-wal", "media/upload.png", "staticfiles/app.css", ".venv/pyvenv.cfg", "env/pyvenv.cfg"),
    *("env/bin/python", "env/lib/python3.13/site-packages/x.py", ".idea/workspace.xml", ".mypy_cache/a.json"),
)


def test_files_of_development_never_travel(project):
    write(project, *OF_DEVELOPMENT)
    assert list_files(str(project)) == CODE


def test_files_of_development_never_travel_from_a_repository(repository):
    write(repository, *OF_DEVELOPMENT)
    assert list_files(str(repository)) == CODE


def test_files_that_git_tracks_always_travel(repository):
    names = [".env", "media/logo.png", "node_modules/fork/index.js", "shop/ignored.log"]
    write(repository, *names)
    write(repository, ".gitignore", text="*.log\n")
    git(repository, "add", "--force", ".")
    assert set(names) <= set(list_files(str(repository)))


@pytest.mark.parametrize("is_repository", [False, True])
def test_gitignore_applies_as_git_applies_it(project, is_repository):
    write(project, ".gitignore", text="*.log\n/build/\n")
    write(project, "shop/.gitignore", text="!keep.log\n")
    write(project, "a.log", "build/x.js", "shop/b.log", "shop/keep.log", "shop/build/y.js", "new.py")
    if is_repository:
        git(project, "init", "--quiet")
    assert list_files(str(project)) == sorted(
        [*CODE, ".gitignore", "new.py", "shop/.gitignore", "shop/build/y.js", "shop/keep.log"]
    )


def test_a_directory_of_a_larger_repository(repository):
    write(repository, ".gitignore", text="*.log\n")
    write(repository, "shop/x.log", "shop/docs/a.md", "docs/b.md")
    found = list_files(str(repository / "shop"), exclude=["/docs/"])
    assert found == ["settings.py", "static/app.css"]


def test_a_directory_that_its_repository_ignores_as_a_whole(repository):
    write(repository, ".gitignore", text="/generated/\n")
    write(repository, "generated/manage.py", "generated/.env", "generated/a.log")
    write(repository, "generated/.gitignore", text="*.log\n")
    assert list_files(str(repository / "generated")) == [".gitignore", "manage.py"]


def test_submodules_and_other_repositories_are_listed_as_repositories(repository, tmp_path):
    other = tmp_path / "other"
    write(other, "lib.py")
    git(other, "init", "--quiet")
    git(other, "add", ".")
    git(other, "commit", "--quiet", "--message", "first")
    git(repository, "submodule", "--quiet", "add", str(other), "vendor/lib")
    git(repository, "clone", "--quiet", str(other), "cloned")
    for name in ("vendor/lib", "cloned"):
        write(repository / name, ".gitignore", text="*.log\n")
        write(repository / name, "x.log", ".env", "new.py")
    found = list_files(str(repository), exclude=["/vendor/lib/new.py"])
    inner = [".gitignore", "lib.py", "new.py"]
    assert [name for name in found if name.startswith("cloned/")] == [f"cloned/{name}" for name in inner]
    assert [name for name in found if name.startswith("vendor/")] == [f"vendor/lib/{name}" for name in inner[:2]]


def test_a_submodule_that_is_not_checked_out_is_refused_unless_it_is_excluded(repository, tmp_path):
    other = tmp_path / "other"
    write(other, "lib.py")
    git(other, "init", "--quiet")
    git(other, "add", ".")
    git(other, "commit", "--quiet", "--message", "first")
    git(repository, "submodule", "--quiet", "add", str(other), "vendor/lib")
    git(repository, "submodule", "--quiet", "deinit", "--force", "vendor/lib")
    with pytest.raises(ValueError, match=r"submodule 'vendor/lib' .* is not checked out(.|\n)*'/vendor/lib/'"):
        list_files(str(repository))
    assert list_files(str(repository), exclude=["/vendor/lib/"]) == sorted([*CODE, ".gitmodules"])


def test_exclude_leaves_tracked_files_out_and_takes_others_in(repository):
    write(repository, "docs/a.md", "shop/docs/b.md", "notes/c.md")
    git(repository, "add", ".")
    write(repository, ".env", "notes/new.md", ".gitignore")
    assert list_files(str(repository), exclude=["/docs/", "notes/", "!.env"]) == sorted(
        [*CODE, ".env", ".gitignore", "shop/docs/b.md"]
    )


def test_an_app_named_media_is_code(project):
    write(project, "media/__init__.py", "shop/media/logo.png")
    assert {"media/__init__.py", "shop/media/logo.png"} <= set(list_files(str(project)))


def test_media_of_a_project_in_a_subdirectory(project):
    write(project, "shop/media/upload.png")
    assert "shop/media/upload.png" not in list_files(str(project), "shop")


def test_deleted_files_links_and_unusual_names(repository):
    (repository / "manage.py").unlink()
    (repository / "latest").symlink_to("shop")
    (repository / "dangling").symlink_to("nowhere")
    os.close(os.open(os.fsencode(repository) + b"/caf\xe9\n.txt", os.O_CREAT))
    found = list_files(str(repository))
    assert {"latest", "dangling", os.fsdecode(b"caf\xe9\n.txt")} <= set(found)
    assert "manage.py" not in found and "latest/settings.py" not in found


def test_a_play_that_a_hook_of_git_runs(repository, monkeypatch):
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nonexistent")
    assert list_files(str(repository)) == CODE


def test_a_repository_names_no_program_that_runs(repository, tmp_path):
    git(repository, "config", "core.fsmonitor", f"touch {tmp_path}/ran; false")
    list_files(str(repository))
    assert not (tmp_path / "ran").exists()


def test_a_repository_fetches_nothing(repository, tmp_path):
    """git expands a directory of a sparse index, and fetches it as the repository says if it is missing."""
    write(repository, "left-out/file.txt")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "second")
    (repository / ".git/info/sparse-checkout").write_text("/*\n!/*/\n/shop/\n")
    for name in ("core.sparseCheckout", "core.sparseCheckoutCone", "index.sparse", "remote.x.promisor"):
        git(repository, "config", name, "true")
    git(repository, "read-tree", "--reset", "-u", "HEAD")
    command = ["git", "rev-parse", "HEAD:left-out"]
    tree = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout.strip()
    (repository / ".git/objects" / tree[:2] / tree[2:]).unlink()
    git(repository, "config", "extensions.partialClone", "x")
    git(repository, "config", "core.repositoryFormatVersion", "1")
    git(repository, "config", "protocol.ext.allow", "always")
    git(repository, "config", "remote.x.url", f"ext::sh -c touch% {tmp_path}/ran")
    with suppress(ValueError):
        list_files(str(repository))
    assert not (tmp_path / "ran").exists()


def test_a_repository_of_another_user_is_refused_with_the_words_of_git(repository):
    os.chown(repository, 4_242_001, 4_242_001)
    os.chown(repository / ".git", 4_242_001, 4_242_001)
    with pytest.raises(ValueError, match=r"dubious ownership(.|\n)*safe\.directory(.|\n)*Nothing was changed"):
        list_files(str(repository))


def test_the_size_of_a_large_source(project):
    assert describe_large(str(project), CODE) == ""
    write(project, "assets/film.mp4")
    os.truncate(project / "assets/film.mp4", LARGE_BYTES)
    found = describe_large(str(project), [*CODE, "assets/film.mp4"])
    assert f"sending 4 files, 20 MB, from '{project}' (assets 20 MB, " in found
    assert "source.exclude" in found
    assert f"sending {LARGE_FILES:,} files" in describe_large(str(project), ["manage.py"] * LARGE_FILES)
