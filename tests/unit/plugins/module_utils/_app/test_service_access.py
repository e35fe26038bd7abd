"""What the host of an app knows of the app's services on other hosts."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import service_access
from ansible_collections.gatehouse.django.plugins.module_utils._app.environment import render
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App


def test_the_passwords_of_the_release_that_is_served(tmp_path):
    app = App("shop", str(tmp_path))
    assert set(service_access.passwords(app).values()) == {""}
    release = tmp_path / "shop/releases/one"
    release.mkdir(parents=True)
    urls = {"DATABASE_URL": "postgresql://shop:a%2Fb@db1/shop?x=$y", "CACHE_URL": "redis:///run/valkey.sock"}
    (release / "env").write_text(render(urls))
    (tmp_path / "shop/current").symlink_to("releases/one")
    assert service_access.passwords(app) == {"database": "a/b", "cache": "", "broker": ""}


@pytest.mark.parametrize("url", ["", "postgresql:///shop", "postgres://[broken/shop", "sqlite:////srv/x"])
def test_a_url_without_a_password(url):
    assert service_access.password_of(url) == ""


def test_new_passwords_are_long_and_need_no_quoting():
    first, second = service_access.proposals(), service_access.proposals()
    assert not set(first.values()) & set(second.values())
    assert all(len(word) >= 43 and word.replace("-", "").replace("_", "").isalnum() for word in first.values())


def test_the_address_on_the_way_to_a_server():
    assert service_access.source_address("database", "127.0.0.1") == "127.0.0.1"


def test_a_server_without_a_known_name_is_named_with_a_remedy():
    with pytest.raises(
        service_access.AccessError, match=r"cannot reach 'db1.invalid' .*Set gatehouse_address of that host"
    ):
        service_access.source_address("database", "db1.invalid")


def test_the_newest_pg_dump(tmp_path, monkeypatch):
    monkeypatch.setattr(service_access, "PROGRAMS", str(tmp_path))
    assert service_access.pg_dump_version() == 0
    for name in ("9.6", "15", "17"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin/pg_dump").touch()
    (tmp_path / "18/bin").mkdir(parents=True)
    assert service_access.pg_dump_version() == 17
