"""PostgreSQL's disk is full: what visitors get, what the doctor and a deployment say, and what is lost."""

import uuid

import pytest
from helpers.hosts import eventually
from helpers.module import call
from plays import sql, start_deploy

COPY = "/mnt/postgresql"
SIZE = 160  # MB


@pytest.fixture
def server(host):
    return host.check_output("systemctl list-units --all --plain --no-legend 'postgresql@*' | cut -d ' ' -f 1")


@pytest.fixture
def full(host, ledger, server, undo):
    """full(directory): a directory of the cluster is on a small file system of its own, which is full."""

    def full(place):
        undo(f"systemctl reset-failed {server}; systemctl start {server}")
        # What was written there meanwhile stays.
        undo(f"umount {COPY}; rmdir {COPY}")
        undo(f"systemctl stop {server}; umount {place} && rm -rf {place} && cp -a {COPY} {place}; rm -f {place}/fill")
        host.check_output(
            f"systemctl stop {server} && mkdir {COPY} && mount -t tmpfs -o size={SIZE}m small {COPY} && "
            f"cp -a {place}/. {COPY} && chown postgres: {COPY} && chmod 700 {COPY} && mount --bind {COPY} {place} && "
            f"systemctl start {server}"
        )
        assert host.check_output(f"df --output=size --block-size=1M {place} | tail -1").strip() == str(SIZE)
        # The first connection after a start writes a file (pg_internal.init).
        assert ledger.get("/").status == 200
        host.run(f"head --bytes=1G /dev/zero > {place}/fill")
        assert host.check_output(f"df --output=avail {place} | tail -1").strip() == "0"

    return full


@pytest.fixture
def add(ledger):
    """add(): have the app write a row of 200 characters, which is in the database if the answer is 200."""

    def add():
        text = f"{uuid.uuid4().hex}{'x' * 168}"
        status = ledger.get(f"/add/{text}").status
        acknowledged.update([text] if status == 200 else [])
        return status

    acknowledged = add.acknowledged = set()
    return add


def only(host):
    """The only finding of the doctor."""
    (finding,) = call(host, "django_doctor", apps=["ledger"])["findings"]
    return finding


@pytest.mark.long
def test_without_space_for_data_pages_are_served_and_writes_fail(host, ledger, server, full, add):
    data = sql(host, "SHOW data_directory")
    assert add() == 200
    full(data)
    # The first rows have space in a page of the table.
    assert any(add() == 500 for _number in range(100))
    assert ledger.get("/").status == 200
    finding = only(host)
    assert finding["cause"].startswith(
        f"PostgreSQL of this host has no space for app ledger: the file system of {data} "
    )
    assert "apps cannot write" in finding["cause"]
    host.check_output("rm %s/fill", data)
    assert add() == 200
    assert set(ledger.get("/").json()["entries"]) >= add.acknowledged


def test_without_space_for_its_log_of_changes_the_server_ends_and_nothing_is_lost(host, ledger, server, full, add):
    log = f"{sql(host, 'SHOW data_directory')}/pg_wal"
    served = ledger.get("/").json()["release"]
    full(log)
    assert add() == 200
    # When a change needs another file and no old one can be used again, the server ends, and cannot start again.
    for _file in range(10):
        host.run("cd / && runuser -u postgres -- psql -Xqc 'SELECT pg_switch_wal()'")
        if add() == 500:
            break
    eventually(lambda: host.run("systemctl is-active %s", server).rc != 0, 30)
    assert ledger.get("/").status == 500

    finding = only(host)
    assert finding["cause"].startswith(
        f"PostgreSQL of this host has no space for app ledger: the file system of {log} "
    )
    assert "it has ended" in finding["cause"]
    assert f"none in {log} itself. It goes on by itself." in finding["remedy"]
    assert [one.rpartition(" ")[2] for one in finding["explains"]] == ["500"]

    played = start_deploy(host).finish()
    assert played.code != 0
    assert "Refused, nothing was changed" in played.output
    assert f"none in '{log}' itself" in played.output

    host.check_output("rm %s/fill", log)
    # systemd starts it again, and the app connects again.
    eventually(lambda: add() == 200, 60)
    found = ledger.get("/").json()
    assert set(found["entries"]) >= add.acknowledged
    assert found["release"] == served
