"""The users of an app are created, corrected and removed; other users are not touched."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._app.user_number import choose


def installed(host, app):
    for number, (name, home) in enumerate([(app.name, app.data), (app.builder, app.cache)], 4_242_001):
        host.add_group(name, number)
        host.add_user(name, number, home)


@pytest.mark.parametrize(
    "name", ["../x", "", "Shop", "a" * 27, "shop-build", "shop-copy", "valkey-shop", "shop\n", "root/../x"]
)
def test_check_refuses_invalid_names(host, tmp_path, name):
    with pytest.raises(ReleaseError, match="is not a valid app name"):
        accounts.check(App(name, str(tmp_path)))


def test_check_accepts_a_fresh_host_and_the_users_of_the_app(host, app):
    """Smoke test: nothing is raised."""
    accounts.check(app)
    installed(host, app)
    accounts.check(app)


@pytest.mark.parametrize("name", ["shop", "shop-build", "shop-copy"])
def test_check_refuses_a_user_of_the_host(host, app, name):
    host.add_group(name, 4_242_001)
    host.add_user(name, 4_242_001, "/var/games")
    with pytest.raises(ReleaseError, match=rf"already has a user '{name}' \(home /var/games\).*Choose another name"):
        accounts.check(app)


@pytest.mark.parametrize("name", ["shop", "shop-build", "shop-copy"])
def test_check_refuses_a_group_without_the_user(host, app, name):
    host.add_group(name, 4_242_001)
    with pytest.raises(ReleaseError, match=rf"group '{name}' without a user .*groupdel {name}"):
        accounts.check(app)
    accounts.check(app, is_needed=False)
    host.add_user("blog", 4_242_009, "/srv/blog/data", group=4_242_001)
    with pytest.raises(ReleaseError, match=rf"group '{name}' without a user"):
        accounts.check(app)


def test_ensure_creates_both_users_once(host, app):
    assert accounts.outdated(app) == ["shop", "shop-build"]
    accounts.ensure(host.tools, app)
    assert [argv[-1] for argv in host.commands] == ["shop", "shop-build"]
    for argv, home in zip(host.commands, (app.data, app.cache), strict=True):
        assert argv[0] == "useradd"
        assert {"--system", "--user-group", "--no-create-home"} <= set(argv)
        assert argv[argv.index("--shell") + 1] == "/usr/sbin/nologin"
        assert argv[argv.index("--home-dir") + 1] == home
    # The number of the user that owns the data is the same on each host, as far as it is free.
    first, second = host.commands
    assert first[first.index("--uid") + 1] == str(choose("shop", accounts.taken()))
    assert "--uid" not in second
    assert accounts.outdated(app) == []
    host.commands.clear()
    accounts.ensure(host.tools, app)
    assert host.commands == []


def test_the_user_gets_the_number_that_it_has_on_other_hosts(host, app):
    assert accounts.number(app) is None
    accounts.ensure(host.tools, app, 4_242_007)
    first, second = host.commands
    assert first[first.index("--uid") + 1] == "4242007"
    # Only the owner of the data is the same everywhere.
    assert "--uid" not in second


def test_the_number_of_a_user_is_known(host, app):
    installed(host, app)
    assert accounts.number(app) == 4_242_001


def test_ensure_reports_the_error_of_useradd(host, app):
    host.failing = ("useradd",)
    with pytest.raises(ReleaseError, match="useradd: refused"):
        accounts.ensure(host.tools, app)


@pytest.mark.parametrize(("shell", "group"), [("/bin/sh", 4_242_001), ("/usr/sbin/nologin", 100)])
def test_ensure_corrects_a_user(host, app, shell, group):
    installed(host, app)
    host.add_user("shop", 4_242_001, app.data, group=group, shell=shell)
    assert accounts.outdated(app) == ["shop"]
    accounts.ensure(host.tools, app)
    assert host.commands == [["usermod", "--shell", "/usr/sbin/nologin", "--gid", "shop", "shop"]]


def test_ensure_creates_a_missing_group(host, app):
    installed(host, app)
    del host.groups["shop"]
    accounts.ensure(host.tools, app)
    assert [argv[0] for argv in host.commands] == ["groupadd", "usermod"]


def test_the_user_gets_the_id_of_the_kept_data(host, app, removed):
    removed(4_242_050, 4_242_051)
    accounts.ensure(host.tools, app)
    assert accounts.ids_of("shop")[0] == 4_242_050
    assert accounts.ids_of("shop-build")[0] != 4_242_050


@pytest.mark.parametrize("kind", ["user", "group"])
def test_a_used_id_is_not_reused(host, app, removed, kind):
    removed(4_242_050, 4_242_051)
    if kind == "user":
        host.add_user("blog", 4_242_050, "/srv/blog/data")
    else:
        host.add_group("blog", 4_242_050)
    accounts.ensure(host.tools, app)
    assert accounts.ids_of("shop")[0] != 4_242_050


def test_the_id_of_root_is_never_reused(host, app, removed):
    removed(0, 0, 0)
    assert accounts.owner_of_kept_data(app) == (None, None)
    accounts.ensure(host.tools, app)
    assert not any("0" in argv for argv in host.commands)


def test_the_user_for_copies_is_made_when_it_is_needed(host, app):
    installed(host, app)
    accounts.ensure(host.tools, app)
    assert host.commands == []
    for _run in range(2):
        accounts.ensure_copy_user(host.tools, app)
    (argv,) = host.commands
    assert argv[0] == "useradd"
    assert argv[-5:] == ["--home-dir", app.copies, "--comment", "Django app shop", "shop-copy"]
    assert accounts.present(app) == ["shop", "shop-build", "shop-copy"]


def test_remove_removes_users_and_groups(host, app):
    installed(host, app)
    accounts.remove(host.tools, app)
    assert host.commands == [
        ["userdel", "shop"],
        ["groupdel", "shop"],
        ["userdel", "shop-build"],
        ["groupdel", "shop-build"],
    ]
    assert accounts.present(app) == []


def test_remove_leaves_users_of_the_host(host, app):
    host.add_user("shop", 4_242_001, "/var/games")
    assert accounts.present(app) == []
    accounts.remove(host.tools, app)
    assert host.commands == []
