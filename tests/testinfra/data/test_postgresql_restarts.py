"""PostgreSQL that starts late, is restarted or is away for a while: what visitors get, and that the app recovers."""

import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from helpers.hosts import eventually
from helpers.http import Visitor

VISITORS = 8
DELAY_SECONDS = 8


@pytest.fixture
def server(host):
    """The unit of the cluster: that of all clusters, postgresql.service, does not wait for them."""
    return host.check_output("systemctl list-units --plain --no-legend 'postgresql@*' | cut -d ' ' -f 1")


def statuses(visitor):
    """The answers to visitors who come at once, so that each thread of the app is asked."""
    with ThreadPoolExecutor(VISITORS) as pool:
        return {answer.status for answer in pool.map(lambda _number: visitor.get("/"), range(2 * VISITORS))}


def test_a_restart_costs_no_page_once_it_has_ended(host, ledger, server):
    """The connections that the app keeps are broken then."""
    assert statuses(ledger) == {200}
    host.check_output("systemctl restart %s", server)
    assert statuses(ledger) == {200}


def test_the_app_recovers_by_itself(host, ledger, server, undo):
    undo(f"systemctl start {server}")
    before = host.check_output("pgrep --uid ledger --oldest")
    host.check_output("systemctl stop %s", server)
    assert statuses(ledger) == {500}
    host.check_output("systemctl start %s", server)
    assert statuses(ledger) == {200}
    # Nothing of it was started again.
    assert host.check_output("pgrep --uid ledger --oldest") == before


def test_the_app_waits_for_its_database_at_boot(host, undo):
    # Also the tests after this one need the server.
    undo("until runuser -u postgres -- psql -d postgres -c 'SELECT 1' 2>/dev/null; do sleep 0.5; done")
    undo("rm -rf /etc/systemd/system/postgresql@.service.d && systemctl daemon-reload")
    directory = "/etc/systemd/system/postgresql@.service.d"
    wait = f"until systemctl --quiet is-active nginx; do sleep 0.2; done; sleep {DELAY_SECONDS}"
    late = f'[Service]\nExecStartPre=/bin/sh -c "{wait}"\n'
    host.check_output(f"mkdir -p {directory} && printf %%s %s > {directory}/late.conf", late)
    name = host.backend.name
    podman("restart", "--time=60", name)
    address = podman("inspect", "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
    with ThreadPoolExecutor(VISITORS) as pool:
        answers = list(pool.map(first_answer, [address] * VISITORS))
    assert [answer.status for answer in answers] == [200] * VISITORS
    # The visitors came before PostgreSQL had started.
    active = "systemctl show -P ActiveEnterTimestampMonotonic {}"
    units = [host.check_output(active.format(unit)) for unit in ("nginx.service", "postgresql.service")]
    assert int(units[0]) < int(units[1])
    eventually(lambda: host.run("systemctl is-system-running --wait").stdout.strip() in ("running", "degraded"))


def podman(*arguments):
    return subprocess.run(["podman", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def first_answer(address):
    """The first answer of nginx: before it, connections are refused, or reset by the check of the configuration."""
    while True:
        with suppress(ConnectionError):
            reach(address)
            return Visitor(address, "ledger.example.test").get("/")
        time.sleep(0.005)


def reach(address):
    """Connect once. For some seconds this machine may send to the host's network device of before the restart."""
    while True:
        with suppress(TimeoutError):
            return socket.create_connection((address, 80), timeout=1).close()
