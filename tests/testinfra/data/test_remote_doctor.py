"""What the doctor says on the app's host if a service on the other host refuses the app, and how the app recovers."""

from contextlib import contextmanager

import pytest
from helpers.hosts import eventually
from helpers.http import Visitor
from helpers.module import call
from plays import sql, start_deploy
from remote import APP, another_authority, cut_off, expired_certificate, from_another_address, of_url, server_of

PLAY = "ansible-playbook gatehouse.django.site"


@pytest.fixture
def server(host):
    return server_of(host)


@pytest.fixture
def away(address):
    return Visitor(address, "away.example.test")


@contextmanager
def stopped(server, unit):
    name = server.check_output("systemctl list-units --plain --no-legend %s | cut -d ' ' -f 1", unit)
    server.check_output("systemctl stop %s", name)
    try:
        yield
    finally:
        server.check_output("systemctl start %s", name)


@contextmanager
def role(server, change, undo):
    sql(server, f"ALTER ROLE {APP} {change}")
    try:
        yield
    finally:
        sql(server, f"ALTER ROLE {APP} {undo}")


def findings(host):
    return call(host, "django_doctor", apps=[APP])["findings"]


@pytest.fixture
def only(host, server):
    """only(kind): the finding, which must be the only one, and of this kind of service."""

    def only(kind):
        found = findings(host)
        assert len(found) == 1, found
        assert found[0]["cause"].startswith(f"The app {APP} cannot use its {kind} on {server.backend.name} ("), found
        return found[0]

    return only


def test_status_names_the_hosts_of_services(host, server):
    (app,) = call(host, "django_status", app=APP)["apps"]
    assert {(one["kind"], one["host"]) for one in app["services"]} == {
        (kind, server.backend.name) for kind in ("database", "cache", "broker")
    }
    assert app["services"][0]["port"] == "5432"
    assert of_url(host, "DATABASE_URL", "away:([^@]*)@") not in str(app)


def test_a_server_that_was_stopped(server, away, only):
    with stopped(server, "postgresql@*"):
        assert away.get("/").status == 500
        finding = only("database")
    assert "nothing listens there" in finding["cause"]
    assert "`systemctl start postgresql`" in finding["remedy"]
    # It is the explanation of the page as well.
    assert [one.rpartition(" ")[2] for one in finding["explains"]] == ["500"]
    assert away.get("/").status == 200


def test_a_server_that_cannot_be_reached(host, away, only):
    address = of_url(host, "DATABASE_URL", "@([^/]*)/")
    with cut_off(host, address):
        finding = only("database")
    # One cause, although cache and broker are away as well.
    assert "no answer comes from there" in finding["cause"]
    assert "no firewall" in finding["remedy"]
    assert away.get("/").status == 200
    # A worker that lost its broker tries again after some seconds.
    eventually(lambda: findings(host) == [], seconds=60)


def test_a_password_that_was_changed_by_hand(host, server, away, only):
    verifier = sql(server, f"SELECT rolpassword FROM pg_authid WHERE rolname = '{APP}'")
    with role(server, "PASSWORD 'changed by hand'", f"PASSWORD '{verifier}'"):
        assert away.get("/").status == 500
        finding = only("database")
        assert "does not accept the password" in finding["cause"]
        assert f"`{PLAY}` gives the server the password" in finding["remedy"]
        played = start_deploy(host, app=APP).finish()
        assert played.code == 0, played.output
        assert away.get("/").status == 200
    assert findings(host) == []


@pytest.mark.long
def test_a_server_without_a_free_connection(server, away, only):
    with role(server, "CONNECTION LIMIT 0", "CONNECTION LIMIT 100"):
        finding = only("database")
    assert "no free connection" in finding["cause"]
    assert "pg_stat_activity" in finding["remedy"]
    assert away.get("/").status == 200


@pytest.mark.long
def test_an_address_that_the_server_does_not_know(host, server, only):
    address = of_url(host, "DATABASE_URL", "@([^/]*)/")
    with from_another_address(host, address):
        found = findings(host)
    (database,) = [one for one in found if "its database" in one["cause"]]
    assert "no line in pg_hba.conf for this host, which connects from 10.88." in database["cause"]
    assert "gatehouse_address" in database["remedy"]
    # systemd drops the packets to an instance of Valkey.
    assert [one for one in found if "no answer comes from there" in one["cause"]]


@pytest.mark.long
def test_a_certificate_that_is_not_of_the_authority(host, only):
    with another_authority(host, of_url(host, "DATABASE_URL", "sslrootcert=([^&]*)")):
        finding = only("database")
    assert "not from the authority that the app trusts" in finding["cause"]
    assert PLAY in finding["remedy"]


@pytest.mark.long
def test_a_certificate_that_has_expired(host, server):
    with expired_certificate(server):
        found = findings(host)
    (database,) = [one for one in found if "its database" in one["cause"]]
    assert "has expired" in database["cause"]
    assert "timedatectl" in database["remedy"]


@pytest.mark.long
def test_a_broker_that_was_stopped(server, only):
    with stopped(server, "*-server@away-broker.service"):
        finding = only("broker")
    assert "nothing listens there" in finding["cause"]
    assert "-server@away-broker`" in finding["remedy"]
