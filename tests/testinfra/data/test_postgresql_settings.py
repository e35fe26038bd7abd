"""Settings that need a restart of the server: it is not restarted under its clients."""

import pytest
from helpers.hosts import unit
from plays import make_databases, sql


@pytest.fixture
def crowd(host, undo):
    """A database whose connections do not fit into the server's settings."""
    undo("systemctl restart 'postgresql@*'")
    undo("sed -i 's/^max_connections.*/max_connections = 100/' /etc/postgresql/*/main/conf.d/gatehouse.conf")
    undo("cd / && runuser -u postgres -- dropdb --if-exists crowd && runuser -u postgres -- dropuser --if-exists crowd")
    return {"name": "crowd", "connections": 300}


@pytest.mark.long
def test_the_server_is_restarted_only_when_no_client_notices_it(host, crowd, ledger, undo):
    # The app keeps its connections.
    assert ledger.get("/").status == 200
    played = make_databases(host, crowd)
    assert played.code == 0, played.output
    assert "PostgreSQL was not restarted" in played.output
    assert "max_connections" in played.output
    assert sql(host, "SHOW max_connections") == "100"

    # A later run says so again, and changes nothing.
    again = make_databases(host, crowd)
    assert again.code == 0, again.output
    assert "changed=0" in again.output
    assert "PostgreSQL was not restarted" in again.output

    service = unit(host, "ledger", "service")
    undo(f"systemctl start {service}")
    host.check_output("systemctl stop %s", service)
    played = make_databases(host, crowd)
    assert played.code == 0, played.output
    assert int(sql(host, "SHOW max_connections")) >= 300
