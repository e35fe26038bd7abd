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
    assert service_access.used(app) == {}
    file = "/etc/gatehouse/authorities/db1.pem"
    (release / "env").write_text(render({"DATABASE_URL": f"postgresql://shop:x@192.0.2.9/shop?sslrootcert={file}"}))
    assert service_access.used(app) == {"database": "db1"}


def test_the_services_on_other_hosts():
    file = "/etc/gatehouse/authorities/db1.example.com.pem"
    found = service_access.elsewhere(
        {
            "DATABASE_URL": f"postgresql://shop:secret@192.0.2.9/shop?sslmode=verify-full&sslrootcert={file}",
            "BROKER_URL": f"rediss://shop:secret@[2001:db8::9]:16379/0?ssl_ca_certs={file}",
            # Not of Gatehouse, and on this host.
            "CACHE_URL": "redis:///run/valkey-shop-cache/valkey.sock",
            "REDIS_URL": "redis://elsewhere.example.com/0?ssl_ca_certs=/etc/ssl/ca.pem",
        }
    )
    assert found == [
        {"kind": "database", "host": "db1.example.com", "address": "192.0.2.9", "port": "5432"},
        {"kind": "broker", "host": "db1.example.com", "address": "2001:db8::9", "port": "16379"},
    ]


@pytest.mark.parametrize(
    "url", ["postgresql://[broken/x", "postgresql://h:no/x", "postgresql://h/x?sslrootcert=/x.pem"]
)
def test_a_url_that_gatehouse_did_not_make(url):
    assert service_access.elsewhere({"DATABASE_URL": url}) == []


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
    monkeypatch.setattr(service_access, "POSTGRESQL_PROGRAMS", str(tmp_path))
    assert service_access.pg_dump_version() == 0
    for name in ("9.6", "15", "17"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin/pg_dump").touch()
    (tmp_path / "18/bin").mkdir(parents=True)
    assert service_access.pg_dump_version() == 17
