"""How far nginx trusts an alias, and which links it follows after that."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import symlinks

ROOT, DEPLOY, VICTIM = 0, 1001, 1002


@pytest.fixture
def host(tmp_path, monkeypatch):
    """host(path, owner, mode): a directory below tmp_path that belongs to *owner*; links belong to *owner*, too.

    What is above tmp_path counts as root's.
    """
    owners: dict[str, tuple[int, int]] = {}

    def owned(path, found):
        owner, mode = owners.get(str(path), (ROOT, found.st_mode & 0o7777))
        if not str(path).startswith(f"{tmp_path}/"):
            mode = 0o755
        return SimpleNamespace(st_uid=owner, st_gid=owner, st_mode=found.st_mode & ~0o7777 | mode)

    as_owned = SimpleNamespace(
        path=os.path,
        readlink=os.readlink,
        scandir=os.scandir,
        stat=lambda path: owned(os.path.realpath(path), os.stat(path)),
        lstat=lambda path: owned(path, os.lstat(path)),
    )
    monkeypatch.setattr(symlinks, "os", as_owned)

    def make(path, owner=ROOT, mode=0o755, to=None):
        entry = tmp_path / path
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.mkdir() if to is None else entry.symlink_to(to)
        owners[str(entry)] = (owner, mode)
        return f"{entry}/"

    return make


def relative(path, tmp_path):
    return path.removeprefix(f"{tmp_path}").strip("/")


@pytest.mark.parametrize(
    ("tree", "alias", "trusted"),
    [
        # Root's all the way.
        ([("www",), ("www/x",), ("www/x/static",)], "www/x/static", "www/x/static"),
        # The directory itself is a name in root's.
        ([("www",), ("www/x", DEPLOY)], "www/x", "www/x"),
        # What is in it is not.
        ([("www",), ("www/x", DEPLOY), ("www/x/static", DEPLOY)], "www/x/static", "www/x"),
        ([("www",), ("www/x", DEPLOY), ("www/x/static", ROOT)], "www/x/static", "www/x"),
        # Others may make names in it.
        ([("www", ROOT, 0o1777), ("www/static",)], "www/static", "www"),
        ([("www", ROOT, 0o757), ("www/static",)], "www/static", "www"),
        # What is not there yet can only be made by root, but may then be another's.
        ([("www",)], "www/x/static", "www/x"),
        # Root's link, and the way that it leads, is root's.
        ([("opt",), ("opt/y",), ("opt/y/static",), ("x", ROOT, 0o777, "opt/y")], "x/static", "x/static"),
        ([("opt",), ("opt/y",), ("x", ROOT, 0o777, "./opt/../opt/y")], "x/static", "x/static"),
        ([("home",), ("home/d", DEPLOY), ("home/d/y", DEPLOY), ("x", ROOT, 0o777, "home/d/y")], "x/static", ""),
        ([("opt",), ("opt/y", DEPLOY), ("x", ROOT, 0o777, "opt/y")], "x/static", "x"),
        # A link to itself.
        ([("x", ROOT, 0o777, "x")], "x/static", ""),
    ],
)
def test_an_alias_is_trusted_as_far_as_only_root_changes_it(host, tmp_path, tree, alias, trusted):
    for path, *options in tree:
        host(path, *options)
    assert relative(symlinks.trusted(f"{tmp_path}/{alias}/"), tmp_path) == trusted


def test_a_group_may_write_if_it_is_roots(host, tmp_path):
    host("www", ROOT, 0o775)
    host("www/x")
    assert symlinks.trusted(f"{tmp_path}/www/x/") == f"{tmp_path}/www/x"


def test_the_text_of_the_alias_stays(host, tmp_path):
    host("www")
    host("www/x", DEPLOY)
    host("www/x/y", DEPLOY)
    assert symlinks.trusted(f"{tmp_path}//www/./x/y/") == f"{tmp_path}//www/./x"


@pytest.mark.parametrize(
    ("alias", "owner", "guard"),
    [
        ("/srv/shop/data/media/", ROOT, ("refuse", "/srv/shop/data")),
        ("/srv/shop/current/static/", ROOT, ("refuse", "/srv/shop/current")),
        ("/srv/shop/current/static/robots.txt", ROOT, ("refuse", "/srv/shop/current")),
        ("/srv/shop/data/media/", None, ("refuse", "/srv/shop/data")),
        # Not as role django_app makes it.
        ("/srv/shop/data/media/", DEPLOY, ("same_owner", "trusted")),
        ("/srv/shop/static/", ROOT, ("same_owner", "trusted")),
        ("/srv/shop/database/", ROOT, ("same_owner", "trusted")),
    ],
)
def test_links_of_a_gatehouse_app_are_refused(monkeypatch, alias, owner, guard):
    monkeypatch.setattr(symlinks, "_only_root_changes", lambda directory: owner == ROOT)
    monkeypatch.setattr(symlinks.os.path, "lexists", lambda path: owner is not None)
    monkeypatch.setattr(symlinks, "trusted", lambda path: "trusted")
    assert symlinks.default_policy(alias) == dict(zip(("mode", "trusted"), guard, strict=True))


@pytest.mark.parametrize(
    ("mode", "link", "refused"),
    [
        ("refuse", ("app/media/link", DEPLOY, 0o777, "sub"), True),
        ("refuse", ("app/media/link", DEPLOY, 0o777, "../../victim"), True),
        ("same_owner", ("app/media/link", DEPLOY, 0o777, "sub"), False),
        ("same_owner", ("app/media/link", DEPLOY, 0o777, "../../victim"), True),
        ("same_owner", ("app/media/link", DEPLOY, 0o777, "nowhere"), False),
        ("follow", ("app/media/link", DEPLOY, 0o777, "../../victim"), False),
    ],
)
def test_links_below_the_trusted_part(host, tmp_path, mode, link, refused):
    for path, owner in (("app", ROOT), ("app/media", DEPLOY), ("app/media/sub", DEPLOY), ("victim", VICTIM)):
        host(path, owner)
    host(*link)
    path = f"{tmp_path}/app/media/link"
    for asked in (path, f"{path}/file"):
        assert symlinks.refused_link(asked, mode, f"{tmp_path}/app") == (path if refused else None)
    assert symlinks.refused_link(f"{tmp_path}/app/media/sub/x", mode, f"{tmp_path}/app") is None


def test_links_in_the_trusted_part_are_followed(host, tmp_path):
    host("releases")
    host("current", ROOT, 0o777, "releases")
    assert symlinks.refused_link(f"{tmp_path}/current/x", "refuse", f"{tmp_path}/current") is None
    assert symlinks.refused_link(f"{tmp_path}/current", "refuse", f"{tmp_path}/current") is None
    # Of another directory whose name begins alike nothing is trusted, and without any part nothing is.
    assert symlinks.refused_link(f"{tmp_path}/current/x", "refuse", f"{tmp_path}/curr") == f"{tmp_path}/current"
    assert symlinks.refused_link(f"{tmp_path}/current/x", "refuse", "") == f"{tmp_path}/current"


def location(alias, start, mode="same_owner"):
    return {"site": "shop", "path": "/media/", "alias": alias, "mode": mode, "trusted": start}


def test_a_link_in_an_operators_alias_is_refused_with_a_remedy(host, tmp_path):
    host("app", DEPLOY)
    host("victim", VICTIM)
    alias = host("app/media", DEPLOY, 0o777, "../victim")
    with pytest.raises(ValueError) as refusal:
        symlinks.check_links([location(alias, f"{tmp_path}/app")])
    message = str(refusal.value)
    assert message.startswith(
        f"site 'shop', location '/media/': nginx would not follow the symbolic link '{tmp_path}/app/media' to "
        f"'../victim', which belongs to user {DEPLOY}. An app can create such a link"
    )
    assert "use the real path as the alias" in message
    assert message.endswith("or set 'symlinks: follow'. Nothing was changed.")
    assert symlinks.check_links([location(alias, f"{tmp_path}/app", "follow")]) == []


def test_an_app_cannot_have_all_sites_refused(host, tmp_path, monkeypatch):
    monkeypatch.setattr(symlinks, "APP", symlinks.re.compile(f"({tmp_path}/app)/"))
    host("app", DEPLOY)
    host("victim", VICTIM)
    alias = host("app/media", DEPLOY, 0o777, "../victim")
    (warning,) = symlinks.check_links([location(alias, f"{tmp_path}/app", "refuse")])
    assert f"nginx does not follow the symbolic link '{tmp_path}/app/media' to '../victim'" in warning


def test_links_in_the_directory_are_warned_about(host, tmp_path):
    alias = host("media", DEPLOY)
    host("victim", VICTIM)
    assert symlinks.check_links([location(alias, f"{tmp_path}/media")]) == []
    host("media/a\nb", DEPLOY, 0o777, "../victim")
    host("media/c", DEPLOY, 0o777, "../victim")
    host("media/own", DEPLOY, 0o777, ".")
    (warning,) = symlinks.check_links([location(alias, f"{tmp_path}/media")])
    assert f"nginx does not follow the symbolic link '{tmp_path}/media/a\\nb' to '../victim'" in warning
    assert " and 1 more in that directory. " in warning
    assert "\n" not in warning


def test_a_directory_that_is_not_there_has_none(tmp_path):
    assert symlinks.check_links([location(f"{tmp_path}/none/", str(tmp_path))]) == []
