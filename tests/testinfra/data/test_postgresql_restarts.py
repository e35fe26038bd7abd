"""PostgreSQL that starts late, is restarted or is away: what visitors get and the doctor says, and what is lost."""

import re
import socket
import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from helpers.hosts import eventually, release_of
from helpers.http import Visitor
from helpers.module import call
from plays import sql, start_deploy, variant_in

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


def only(host):
    """The only finding of the doctor."""
    (finding,) = call(host, "django_doctor", apps=["ledger"])["findings"]
    return finding


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
    finding = only(host)
    assert finding["cause"].startswith(f"The database of app ledger does not run: {server} is inactive (dead)")
    assert finding["remedy"] == f"`systemctl start {server}`"
    host.check_output("systemctl start %s", server)
    assert statuses(ledger) == {200}
    # Nothing of it was started again.
    assert host.check_output("pgrep --uid ledger --oldest") == before


class Writer(threading.Thread):
    """A visitor who adds rows until the end of the context: the statuses, and the rows that were acknowledged."""

    def __init__(self, visitor):
        super().__init__(daemon=True)
        self.visitor, self.ended, self.statuses, self.acknowledged = visitor, threading.Event(), [], set()

    def run(self):
        while not self.ended.wait(0.02):
            text = uuid.uuid4().hex
            self.statuses.append(self.visitor.get(f"/add/{text}").status)
            self.acknowledged.update([text] if self.statuses[-1] == 200 else [])

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.ended.set()
        self.join()

    def add(self, number):
        """Wait until so many more rows were acknowledged."""
        count = len(self.acknowledged)
        eventually(lambda: len(self.acknowledged) >= count + number, 120)


@pytest.mark.long
@pytest.mark.parametrize("command", ["restart", "kill --signal=KILL"])
def test_each_row_that_was_acknowledged_is_kept(host, ledger, server, command):
    """After a kill, systemd starts the server again."""
    with Writer(ledger) as writer:
        for _time in range(3):
            writer.add(20)
            host.check_output(f"systemctl {command} {server}")
            writer.add(1)
    assert writer.statuses[-1] == 200
    assert set(ledger.get("/").json()["entries"]) >= writer.acknowledged


@pytest.mark.long
def test_a_deployment_starts_a_server_that_was_stopped(host, ledger, server, undo, tmp_path):
    undo(f"systemctl start {server}")
    before = release_of(host, "ledger")
    host.check_output("systemctl stop %s", server)
    played = start_deploy(host, variant_in(tmp_path, {})).finish()
    assert played.code == 0, played.output
    assert release_of(host, "ledger") != before
    assert statuses(ledger) == {200}


@pytest.mark.long
def test_a_deployment_without_a_server_changes_nothing(host, ledger, server, undo, tmp_path):
    """One that cannot start."""
    directory = host.check_output("echo /etc/postgresql/*/main/conf.d")
    undo(f"systemctl reset-failed {server}; systemctl start {server}")
    undo(f"rm -f {directory}/lab-broken.conf")
    before = release_of(host, "ledger")
    host.check_output(f"systemctl stop {server} && echo 'max_connections = none' >{directory}/lab-broken.conf")
    played = start_deploy(host, variant_in(tmp_path, {})).finish()
    assert played.code != 0
    assert server in played.refusal
    assert release_of(host, "ledger") == before
    # This page needs no table.
    assert ledger.get("/remembered").status == 200
    finding = only(host)
    # systemd tries again all the time.
    assert finding["cause"].startswith(f"The database of app ledger does not run: {server} is ")
    assert f"journalctl -n 50 -u {server}" in finding["remedy"]


@pytest.mark.long
@pytest.mark.parametrize("limited", ["ROLE", "DATABASE"])
def test_without_a_free_connection(host, ledger, undo, tmp_path, limited):
    limit = sql(host, "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'ledger'")
    undo(f"cd / && runuser -u postgres -- psql -Xqc 'ALTER ROLE ledger CONNECTION LIMIT {limit}'")
    undo("cd / && runuser -u postgres -- psql -Xqc 'ALTER DATABASE ledger CONNECTION LIMIT -1'")
    before, text = release_of(host, "ledger"), uuid.uuid4().hex
    assert ledger.get(f"/add/{text}").status == 200
    sql(host, f"ALTER {limited} ledger CONNECTION LIMIT 0")
    sql(host, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ledger'")
    assert statuses(ledger) == {500}
    assert ledger.get("/remembered").status == 200
    finding = only(host)
    assert "too many connections for" in finding["cause"]
    expected = "fewer workers, threads or processes" if limited == "ROLE" else "CONNECTION LIMIT -1"
    assert expected in finding["remedy"]
    played = start_deploy(host, variant_in(tmp_path, {})).finish()
    if limited == "ROLE":
        # The play sets what the app's options need.
        assert played.code == 0, played.output
        assert sql(host, "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'ledger'") == limit
    else:
        assert played.code != 0
        assert "CONNECTION LIMIT -1" in played.refusal
        assert release_of(host, "ledger") == before
        sql(host, "ALTER DATABASE ledger CONNECTION LIMIT -1")
    assert statuses(ledger) == {200}
    assert text in ledger.get("/").json()["entries"]


# Takes each connection that the server has for others than superusers, until it is ended.
TAKE = """
import socket, struct, time
words = b"user\\0www-data\\0database\\0postgres\\0\\0"
taken = []
def last(connection):
    # Of the server's first messages: Z when it is ready, E for an error.
    with connection.makefile("rb") as answer:
        while (kind := answer.read(1)) not in (b"Z", b"E", b""):
            answer.read(struct.unpack("!I", answer.read(4))[0] - 4)
    return kind
while True:
    one = socket.socket(socket.AF_UNIX)
    try:
        one.connect("/run/postgresql/.s.PGSQL.5432")
        one.sendall(struct.pack("!II", 8 + len(words), 196608) + words)
        if last(one) == b"Z":
            taken.append(one)
            continue
    except (OSError, struct.error):
        pass
    one.close()
    time.sleep(0.01)
"""
TAKER = "lab-taker"


@pytest.fixture
def take(host, undo):
    """take(): have another user take all connections that become free. take.end() gives them back."""

    def take():
        run = f"systemd-run --quiet --collect --unit={TAKER} --property=User=www-data python3 -c %s"
        host.check_output(run, TAKE)

    take.end = lambda: host.check_output(f"systemctl stop {TAKER} 2>/dev/null || true")
    sql(host, 'CREATE ROLE "www-data" LOGIN')
    undo("cd / && runuser -u postgres -- dropuser www-data")
    yield take
    take.end()
    taken = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'www-data'"
    eventually(lambda: sql(host, taken) == "0")


@pytest.mark.long
def test_without_a_free_connection_of_the_server(host, ledger, take, tmp_path):
    """All of max_connections are in use, but those for superusers."""
    before = release_of(host, "ledger")
    with Writer(ledger) as writer:
        writer.add(10)
        take()
        # The app keeps the connections that it has, and gets one that it has lost again if it is faster.
        end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'ledger'"
        eventually(lambda: sql(host, end) == "0" and writer.statuses[-20:] == [500] * 20)
        assert statuses(ledger) == {500}
        assert ledger.get("/remembered").status == 200
        finding = only(host)
        assert re.search("too many clients already|remaining connection slots are reserved", finding["cause"])
        assert "Find out who holds them" in finding["remedy"]
        played = start_deploy(host, variant_in(tmp_path, {})).finish()
        assert played.code != 0
        assert "PostgreSQL has no free connection for the app." in played.refusal
        assert release_of(host, "ledger") == before
        take.end()
        # Nothing of it was started again.
        writer.add(10)
    assert statuses(ledger) == {200}
    assert set(ledger.get("/").json()["entries"]) >= writer.acknowledged


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
