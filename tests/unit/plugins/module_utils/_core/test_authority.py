"""The certificate of a host's services, made by the real openssl."""

import os
import ssl
import subprocess

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import authority

NAMES = ("db1.example.com", "192.0.2.20", "2001:db8::20")


def run(argv, **_more):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(authority, "DIRECTORY", tmp_path)
    monkeypatch.setattr(authority, "RUN_DIRECTORY", str(tmp_path))
    for name, file in {"AUTHORITY": "authority.crt", "AUTHORITY_KEY": "authority.key"}.items():
        monkeypatch.setattr(authority, name, tmp_path / file)
    monkeypatch.setattr(authority.os, "chown", lambda path, user, group: None)
    monkeypatch.setattr(authority.Pair, "group", os.getgid())
    return tmp_path


def steps(names=NAMES, pair=authority.SERVICES):
    return authority.steps(run, names, pair)


def make(names=NAMES, pair=authority.SERVICES):
    due = steps(names, pair)
    authority.make(run, names, due, pair)
    return due


def test_a_client_verifies_the_certificate_and_another_run_makes_nothing(place):
    assert make() == ["authority", "server", "group"]
    assert steps() == []
    ssl.create_default_context(cafile=place / "authority.crt").load_cert_chain(
        place / "server/server.crt", place / "server/server.key"
    )
    verify = ["openssl", "verify", "-x509_strict", "-CAfile"]
    assert run([*verify, f"{place}/authority.crt", f"{place}/server/server.crt"])[0] == 0
    assert set(authority.names_of(run, authority.SERVICES)) == set(NAMES)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in place.rglob("*.*") if path.is_file()}
    assert modes == {"authority.crt": "0o644", "authority.key": "0o600", "server.crt": "0o644", "server.key": "0o640"}


def test_another_name_makes_a_certificate_with_the_names_of_before(place):
    make()
    before = (place / "authority.crt").read_text()
    assert make(["db1.internal"]) == ["server", "group"]
    assert set(authority.names_of(run, authority.SERVICES)) == {*NAMES, "db1.internal"}
    assert (place / "authority.crt").read_text() == before


def test_what_expires_is_renewed(monkeypatch):
    make()
    monkeypatch.setattr(authority, "RENEWED_DAYS", authority.CERTIFICATE_DAYS + 1)
    assert steps() == ["server", "group"]
    monkeypatch.setattr(authority, "RENEWED_DAYS", authority.AUTHORITY_DAYS + 1)
    assert steps() == ["authority", "server", "group"]


@pytest.mark.parametrize("gone", ["authority.crt", "authority.key", "server/server.crt", "server/server.key"])
def test_a_run_that_was_killed_is_repeated(place, gone):
    make()
    (place / gone).unlink()
    assert "server" in make()
    assert steps() == []
    assert run(["openssl", "verify", "-CAfile", f"{place}/authority.crt", f"{place}/server/server.crt"])[0] == 0


def test_a_certificate_of_another_authority_is_replaced(place):
    make()
    certificate, key = ((place / f"server/{name}").read_text() for name in ("server.crt", "server.key"))
    (place / "authority.crt").unlink()
    make()
    (place / "server/server.crt").write_text(certificate)
    (place / "server/server.key").write_text(key)
    assert steps() == ["server", "group"]


def test_only_names_that_a_certificate_can_have():
    assert authority.wanted_names(["db1", "a_b-.internal", "192.0.2.1", "a b", "x,DNS:y", "_a", "a.b_"]) == [
        "192.0.2.1",
        "a_b-.internal",
        "db1",
    ]


def test_a_run_that_is_killed_leaves_a_pair_that_fits(place, monkeypatch):
    """PostgreSQL would not start with a key that does not match, or without one."""
    make()
    before = [(place / f"server/{name}").read_text() for name in ("server.crt", "server.key")]

    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as only:
        only.setattr(authority.files, "point", killed)
        with pytest.raises(KeyboardInterrupt):
            make(["db1.internal"])
    assert [(place / f"server/{name}").read_text() for name in ("server.crt", "server.key")] == before
    assert make(["db1.internal"]) == ["server", "group"]
    ssl.create_default_context().load_cert_chain(place / "server/server.crt", place / "server/server.key")
    assert len(list(place.glob("server.*"))) == 1


def test_the_certificate_of_nginx_is_apart(place):
    """Another name of it must not restart what reads the one of the services."""
    make()
    before = (place / "server/server.crt").read_text()
    assert authority.names_of(run, authority.WEB) == []
    assert make(["shop.gatehouse.internal"], authority.WEB) == ["server", "group"]
    assert authority.names_of(run, authority.WEB) == ["shop.gatehouse.internal"]
    assert run(["openssl", "verify", "-CAfile", f"{place}/authority.crt", f"{place}/web/server.crt"])[0] == 0
    assert make(["blog.gatehouse.internal"], authority.WEB) == ["server", "group"]
    assert len(authority.names_of(run, authority.WEB)) == 2
    assert steps([], authority.WEB) == []
    assert (place / "server/server.crt").read_text() == before


def test_an_address_is_compared_as_it_is_in_the_certificate():
    names = authority.wanted_names(["2001:db8:0:0::1"])
    assert names == ["2001:db8::1"]
    make(names)
    assert steps(authority.wanted_names(["2001:DB8::0:1"])) == []
