"""Settings that need a restart of the server: it is not restarted while an app uses it, connected or not."""

import pytest
from helpers.hosts import unit
from plays import make_databases, sql

FILE = "/etc/postgresql/*/main/conf.d/gatehouse.conf"


@pytest.fixture
def crowd(host, undo):
    """A database whose connections do not fit into the server's settings."""
    undo("systemctl restart 'postgresql@*'")
    undo(f"cd {host.check_output(f'dirname {FILE}')} && mv /root/gatehouse.conf.before gatehouse.conf")
    undo("cd / && runuser -u postgres -- dropdb --if-exists crowd && runuser -u postgres -- dropuser --if-exists crowd")
    host.check_output(f"cp -p {FILE} /root/gatehouse.conf.before")
    return {"name": "crowd", "connections": 300}


def started(host):
    return sql(host, "SELECT pg_postmaster_start_time()")


def assert_not_restarted(played, reason):
    assert played.code == 0, played.output
    assert "PostgreSQL was not restarted" in played.output
    assert f"{reason}. These settings take effect at its next start: max_connections" in played.output


@pytest.mark.long
def test_the_server_is_not_restarted_while_an_app_uses_it(host, crowd, ledger, undo):
    before, most = started(host), sql(host, "SHOW max_connections")
    # The app keeps its connections.
    assert ledger.get("/").status == 200
    played = make_databases(host, crowd)
    assert_not_restarted(played, "connected")
    assert sql(host, "SHOW max_connections") == most

    # A later run says so again, and changes nothing.
    again = make_databases(host, crowd)
    assert_not_restarted(again, "connected")
    assert "changed=0" in again.output

    # An app without a connection, as between two requests with CONN_MAX_AGE = 0.
    service = unit(host, "ledger", "service")
    undo(f"systemctl start {service}")
    host.check_output("systemctl stop %s", service)
    quiet = make_databases(host, crowd)
    assert_not_restarted(quiet, "is in use")
    assert "changed=0" in quiet.output
    assert started(host) == before

    # The operator restarts it.
    host.check_output("systemctl restart 'postgresql@*'")
    assert int(sql(host, "SHOW max_connections")) >= 320
    done = make_databases(host, crowd)
    assert done.code == 0, done.output
    assert "changed=0" in done.output
    assert "PostgreSQL was not restarted" not in done.output
