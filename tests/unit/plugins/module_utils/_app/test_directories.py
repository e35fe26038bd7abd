"""The directories of an app, and data of an earlier installation."""

from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts, directories
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree

MEDIA = 4_242_033


def state(path):
    found = os.lstat(path)
    return found.st_uid, found.st_gid, oct(stat.S_IMODE(found.st_mode))


@pytest.fixture
def ready(host, app):
    """The users are there."""
    accounts.ensure(host.tools, app)
    return app


def test_ensure_creates_directories_with_owners_and_modes(ready):
    assert len(directories.outdated(ready, "www-data")) == 6
    directories.ensure(ready, "www-data")
    (user, group), (builder, builders) = accounts.ids_of("shop"), accounts.ids_of("shop-build")
    assert state(ready.home) == state(ready.releases) == (0, 0, "0o755")
    assert state(ready.venvs) == (0, state(ready.data)[1], "0o750")
    assert state(ready.cache) == (builder, builders, "0o700")
    assert state(ready.data) == (user, group, "0o711")
    assert state(os.path.join(ready.data, "media")) == (user, MEDIA, "0o2750")
    assert directories.outdated(ready, "www-data") == []


def test_a_fresh_host_without_users_is_inspected_without_changes(host, app):
    directories.check(app, "www-data")
    assert len(directories.outdated(app, "www-data")) == 6
    assert not os.path.exists(app.home)


def test_directories_are_outdated_while_a_user_is_missing(ready, host):
    directories.ensure(ready, "www-data")
    del host.users["shop-build"], host.groups["shop-build"]
    assert directories.outdated(ready, "www-data") == [ready.cache]


def test_ensure_corrects_directories_but_nothing_below(ready):
    directories.ensure(ready, "www-data")
    kept = os.path.join(ready.data, "media", "a.jpg")
    with open(kept, "w", encoding="utf-8"):
        pass
    os.chmod(ready.data, 0o777)
    os.chown(ready.cache, 0, 0)
    assert directories.outdated(ready, "www-data") == [ready.cache, ready.data]
    directories.ensure(ready, "www-data")
    assert directories.outdated(ready, "www-data") == []
    assert state(kept)[0] == 0


def test_check_refuses_a_missing_group(ready):
    with pytest.raises(ReleaseError, match=r"media_group: the host has no group 'nginx'\. Name the group"):
        directories.check(ready, "nginx")


@pytest.mark.parametrize("name", ["data/media", "data", "cache", "releases", "venvs", ""])
def test_a_link_in_place_of_a_directory_is_refused(ready, tmp_path, name):
    directories.ensure(ready, "www-data")
    outside, path = tmp_path / "outside", os.path.normpath(os.path.join(ready.home, name))
    os.rename(path, outside)
    os.symlink(outside, path)
    before = state(outside)
    for refuse in (directories.check, directories.outdated, directories.ensure):
        with pytest.raises(tree.UntrustedEntry, match=f"{path}' is a symbolic link"):
            refuse(ready, "www-data")
    assert state(outside) == before


def test_a_file_in_the_place_of_a_directory(ready):
    directories.ensure(ready, "www-data")
    os.rmdir(os.path.join(ready.data, "media"))
    with open(os.path.join(ready.data, "media"), "w", encoding="utf-8"):
        pass
    with pytest.raises(tree.UntrustedEntry, match="media' is not a directory"):
        directories.check(ready, "www-data")


def test_kept_data_keeps_its_user_id(host, app, removed):
    removed(4_242_050, 4_242_050)
    accounts.ensure(host.tools, app)
    directories.ensure(app, "www-data")
    assert accounts.ids_of("shop") == (4_242_050, 4_242_050)
    assert state(app.data) == (4_242_050, 4_242_050, "0o711")
    assert state(os.path.join(app.data, "db.sqlite3"))[:2] == (4_242_050, 4_242_050)


def owners(app):
    return {
        os.path.relpath(os.path.join(path, name), app.data): state(os.path.join(path, name))[:2]
        for path, inner, files in os.walk(app.data)
        for name in [*inner, *files]
    }


def renumbered(user, group):
    own, media = (user, group), (user, MEDIA)
    return {"db.sqlite3": own, "uploads": own, "media": media, "media/photos": media, "media/photos/a.jpg": own}


def test_kept_data_gets_new_ids_if_its_own_are_used(host, app, removed):
    removed(4_242_050, 4_242_051)
    host.add_user("blog", 4_242_050, "/srv/blog/data")
    accounts.ensure(host.tools, app)
    directories.ensure(app, "www-data")
    user, group = accounts.ids_of("shop")
    assert owners(app) == renumbered(user, group)
    assert state(app.data) == (user, group, "0o711")
    assert directories.outdated(app, "www-data") == []


@pytest.mark.parametrize("moment", range(6))
def test_an_interrupted_change_of_owners_is_completed_by_the_next_run(host, app, removed, monkeypatch, moment):
    removed(4_242_050, 4_242_051)
    host.add_user("blog", 4_242_050, "/srv/blog/data")
    accounts.ensure(host.tools, app)
    left = [moment]
    chown = os.chown

    def killed(*arguments, **options):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        chown(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, "chown", killed)
        patched.setattr(tree, "make_directory", killed)
        with pytest.raises(KeyboardInterrupt):
            directories.ensure(app, "www-data")
    directories.ensure(app, "www-data")
    assert owners(app) == renumbered(*accounts.ids_of("shop"))
    assert directories.outdated(app, "www-data") == []
