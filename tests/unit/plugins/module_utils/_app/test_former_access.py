"""Services on other hosts that no release of an app uses any more."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import former_access
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App

URL = 'DATABASE_URL="postgresql://shop:x@192.0.2.9/shop?sslrootcert=/etc/gatehouse/authorities/{}.pem"\n'


@pytest.fixture
def app(tmp_path):
    return App("shop", str(tmp_path / "srv"))


@pytest.fixture
def marks(tmp_path):
    return tmp_path / "access"


def names(*arguments, **options):
    return [one["mark"] for one in former_access.unused(*arguments, **options)]


def release(app, name, host):
    path = f"{app.releases}/{name}"
    former_access.files.make_directory(former_access.Path(path))
    former_access.files.write(former_access.Path(path, "env"), URL.format(host) if host else "A=b\n")


def test_access_lasts_as_long_as_a_release_needs_it(app, marks):
    assert names(app, directory=str(marks)) == []
    release(app, "one", "db1")
    release(app, "two", "")
    former_access.remember(app, str(marks))
    assert names(app, directory=str(marks)) == []
    # What a run that only looks says of the next one, and what is after that.
    assert names(app, removed=["one"], directory=str(marks)) == ["db1"]
    former_access.Path(app.releases, "one/env").write_text("A=b\n")
    assert names(app, directory=str(marks)) == ["db1"]
    assert names(app, {"database": "db1"}, directory=str(marks)) == []


def test_another_host(app, marks):
    release(app, "one", "db1")
    release(app, "two", "db2")
    former_access.remember(app, str(marks))
    assert names(app, {"database": "db2"}, removed=["one"], directory=str(marks)) == ["db1"]
    assert names(app, removed=["one", "two"], directory=str(marks)) == ["db1", "db2"]


def test_each_kind_of_service(app, marks):
    release(app, "one", "db1")
    with former_access.Path(app.releases, "one/env").open("a") as file:
        file.write('CACHE_URL="rediss://shop:x@192.0.2.9:16379/0?ssl_ca_certs=/etc/gatehouse/authorities/db1.pem"\n')
        file.write('BROKER_URL="rediss://shop:x@192.0.2.8:16379/0?ssl_ca_certs=/etc/gatehouse/authorities/db2.pem"\n')
    former_access.remember(app, str(marks))
    assert sorted(path.name for path in marks.glob("shop/*")) == ["broker@db2", "cache@db1", "db1"]
    former_access.Path(app.releases, "one/env").write_text("A=b\n")
    found = former_access.unused(app, {"cache": "db1", "broker": ""}, directory=str(marks))
    assert found == [
        {"host": "db1", "kind": "database", "mark": "db1"},
        {"host": "db2", "kind": "broker", "mark": "broker@db2"},
    ]


def test_apps_with_access_are_known_after_their_removal(app, marks):
    assert former_access.remembered(str(marks)) == []
    release(app, "one", "db1")
    former_access.remember(app, str(marks))
    former_access.files.make_directory(marks / "blog")
    assert former_access.remembered(str(marks)) == ["shop"]


def test_a_name_that_is_none_of_a_host(app, marks):
    former_access.files.make_directory(marks / "shop" / "..x")
    release(app, "one", "a b")
    former_access.remember(app, str(marks))
    (marks / "shop" / "other@db1").touch()
    assert names(app, removed=["one"], directory=str(marks)) == []
