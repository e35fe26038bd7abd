"""Directories of a release become links into the app's data."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._app.writable import link_to_data
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.tree import UntrustedEntry


class User:
    """Runs the commands at once, as this user."""

    def attempt(self, argv, data=None):
        return run_bounded(argv)


@pytest.fixture
def app(tmp_path):
    app = App("shop", str(tmp_path))
    for path in (app.data, f"{app.home}/src/web"):
        os.makedirs(path)
    return app


def link(app, path):
    source = f"{app.home}/src"
    link_to_data(User(), app, source, f"{source}/web", path)
    return f"{source}/web/{path}"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


@pytest.mark.parametrize("path", ["uploads", "var/cache/uploads"])
def test_a_directory_that_the_project_lacks(app, path):
    place = link(app, path)
    assert os.readlink(place) == f"{app.data}/{path}"
    assert os.path.isdir(place)


def test_files_of_the_project_come_first_and_never_replace_data(app):
    for name in ("kept.txt", "inner/new.txt"):
        write(f"{app.home}/src/web/uploads/{name}", "of the project")
    write(f"{app.data}/uploads/kept.txt", "of a visitor")
    place = link(app, "uploads")
    assert read(f"{place}/kept.txt") == "of a visitor"
    assert read(f"{place}/inner/new.txt") == "of the project"


def test_a_link_of_the_repository_is_replaced_and_its_target_stays(app, tmp_path):
    write(f"{tmp_path}/target/file", "stays")
    os.symlink(f"{tmp_path}/target", f"{app.home}/src/web/uploads")
    assert os.readlink(link(app, "uploads")) == f"{app.data}/uploads"
    assert read(f"{tmp_path}/target/file") == "stays"


def test_a_link_above_it_is_not_followed(app, tmp_path):
    write(f"{tmp_path}/target/uploads/file", "stays")
    os.symlink(f"{tmp_path}/target", f"{app.home}/src/web/var")
    with pytest.raises(UntrustedEntry, match="is a symbolic link"):
        link(app, "var/uploads")
    assert read(f"{tmp_path}/target/uploads/file") == "stays"


def test_a_file_in_the_data_at_its_place(app):
    write(f"{app.data}/uploads", "a file")
    with pytest.raises(ReleaseError, match=r"writable: 'uploads' cannot be made in .*data"):
        link(app, "uploads")
