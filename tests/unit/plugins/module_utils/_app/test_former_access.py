"""Databases on other hosts that no release of an app uses any more."""

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


def release(app, name, host):
    path = f"{app.releases}/{name}"
    former_access.files.make_directory(former_access.Path(path))
    former_access.files.write(former_access.Path(path, "env"), URL.format(host) if host else "A=b\n")


def test_access_lasts_as_long_as_a_release_needs_it(app, marks):
    assert former_access.unused(app, directory=str(marks)) == []
    release(app, "one", "db1")
    release(app, "two", "")
    former_access.remember(app, str(marks))
    assert former_access.unused(app, directory=str(marks)) == []
    # What a run that only looks says of the next one, and what is after that.
    assert former_access.unused(app, removed=["one"], directory=str(marks)) == ["db1"]
    former_access.Path(app.releases, "one/env").write_text("A=b\n")
    assert former_access.unused(app, directory=str(marks)) == ["db1"]
    assert former_access.unused(app, "db1", directory=str(marks)) == []


def test_another_host(app, marks):
    release(app, "one", "db1")
    release(app, "two", "db2")
    former_access.remember(app, str(marks))
    assert former_access.unused(app, "db2", removed=["one"], directory=str(marks)) == ["db1"]
    assert former_access.unused(app, removed=["one", "two"], directory=str(marks)) == ["db1", "db2"]


def test_a_name_that_is_none_of_a_host(app, marks):
    former_access.files.make_directory(marks / "shop" / "..x")
    release(app, "one", "a b")
    former_access.remember(app, str(marks))
    assert former_access.unused(app, removed=["one"], directory=str(marks)) == []
