"""Services of an app on the other host: who reaches them, and that their passwords are nowhere else."""

import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from helpers.hosts import eventually, unit
from helpers.http import Visitor
from helpers.module import call
from plays import sql, start_deploy
from remote import APP, OTHER_ADDRESS, another_authority, from_another_address, of_url, server_of, shell

DATABASE = "from django.db import connection as c; c.ensure_connection(); print(c.vendor, c.settings_dict['HOST'])"
CACHE = "from django.core.cache import cache; cache.set('seen', '1'); print(cache.get('seen'))"
BROKER = (
    "import ledger.celery as c; c.app.connection(connect_timeout=3).ensure_connection(max_retries=1); print('there')"
)
# As the user of the app, from the app's host.
ASK = "import os, redis; print(redis.Redis.from_url(os.environ['CACHE_URL']%s).execute_command(%r))"
PLACES = "/etc /run /srv /tmp /var/backups /var/lib /var/log /var/tmp"


@pytest.fixture
def server(host):
    return server_of(host)


@pytest.fixture
def away(address):
    return Visitor(address, "away.example.test")


def test_only_the_app_reaches_its_services(host, server, away):
    text = uuid4().hex
    assert away.get("/").json()["database"] == "postgresql"
    assert away.get(f"/remember/{text}").status == 200
    assert away.get("/remembered").json()["text"] == text
    # The worker writes it into the database.
    assert away.get(f"/send/{text}").status == 200
    eventually(lambda: text in away.get("/").json()["entries"], 30)

    vendor, address = shell(host, DATABASE).splitlines()[-1].split()
    assert vendor == "postgresql"
    assert address in server.check_output("hostname --all-ip-addresses").split()
    with from_another_address(host, address):
        refused = f'no pg_hba.conf entry for host "{OTHER_ADDRESS}", user "away", database "away"'
        assert refused in shell(host, DATABASE)
        # Its packets are dropped.
        assert "TimeoutError: Timeout connecting to server" in shell(host, CACHE)
    with another_authority(host, of_url(host, "DATABASE_URL", "sslrootcert=([^&]*)")):
        for code in (DATABASE, CACHE, BROKER):
            assert "certificate verify failed" in shell(host, code)
    assert [shell(host, code).splitlines()[-1] for code in (CACHE, BROKER)] == ["1", "there"]


def main_pid(server):
    return server.check_output("systemctl show -P MainPID %s", unit(server, "ledger", "service"))


def test_apps_of_the_services_host_wait_while_its_server_begins_to_listen(host, server):
    """The server is as it was before an app on another host used it."""
    cluster = server.check_output("systemctl list-units --plain --no-legend 'postgresql@*' | cut -d ' ' -f 1")
    server.check_output("rm -f /etc/postgresql/*/main/conf.d/gatehouse-remote.conf && systemctl restart %s", cluster)
    shown, name = "SHOW listen_addresses", host.backend.name
    assert sql(server, shown) == "localhost"
    given = {
        **{"app": APP, "host": name, "hosts": [name], "address": host.interface("eth0").addresses[0]},
        "known": [of_url(host, "DATABASE_URL", "away:([^@]*)@")],
    }
    forecast = call(server, "postgresql_access", check=True, **given)
    assert "would be restarted, so that it listens for other hosts" in forecast["restarted"]
    address, before = server.interface("eth0").addresses[0], main_pid(server)
    statuses, visitors = [], [Visitor(address, "ledger.example.test") for _number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        done = pool.submit(call, server, "postgresql_access", **given)

        def wait_between_queries():
            while not done.done():
                statuses.append(visitors[1].get("/twice").status)

        slow = pool.submit(wait_between_queries)
        while not done.done():
            statuses.append(visitors[0].get("/").status)
        slow.result()
    # The web processes have ended, after their requests.
    assert main_pid(server) != before
    assert re.fullmatch(
        rf"{cluster} was restarted, .* The apps that use it waited for [\d.]+ s: ledger\.", done.result()["restarted"]
    )
    assert len(statuses) > 10
    assert set(statuses) == {200}
    assert sql(server, shown) == "*"


@pytest.mark.long
def test_access_ends_when_no_release_uses_the_database(host, server, undo):
    """The host remembers a database on the other host, as after the release that used it was removed."""
    name, mark = host.backend.name, f"/var/lib/gatehouse/access/ledger/{server.backend.name}"
    address = host.interface("eth0").addresses[0]
    call(server, "postgresql_access", app="ledger", host=name, hosts=[name], address=address, proposed=[uuid4().hex])
    lines = f"SELECT count(*) FROM pg_hba_file_rules WHERE database[1] = 'ledger' AND address = '{address}'"
    assert sql(server, lines) == "1"
    sql(server, "ALTER ROLE ledger PASSWORD NULL")
    undo(f"rm -f {mark}")
    host.check_output(f"mkdir -p {mark.rpartition('/')[0]} && touch {mark}")

    for check in (True, False):
        played = start_deploy(host, app="ledger", check=check).finish()
        assert played.code == 0, played.output
        assert "changed=2" in played.output
        assert host.file(mark).exists is check
        assert sql(server, lines) == ("1" if check else "0")
    # That of the app which has a database there stays.
    assert sql(server, lines.replace("ledger", "away")) == "1"


@pytest.mark.long
def test_without_the_password_an_instance_says_nothing_of_its_data(host):
    as_default = ".replace('away:', 'default:'), username=None, password=None"
    assert "no permissions to run the 'dbsize' command" in shell(host, ASK % (as_default, "DBSIZE"))
    assert "invalid username-password pair" in shell(host, ASK % (".replace('@', 'x@')", "DBSIZE"))
    for command in ("SAVE", "ACL LIST", "REPLICAOF 192.0.2.1 6379"):
        assert "no permissions to run" in shell(host, ASK % ("", command))


@pytest.mark.long
def test_another_run_changes_nothing_and_the_passwords_are_nowhere_else(host, server):
    secrets = {of_url(host, f"{name}_URL", "away:([^@]*)@") for name in ("DATABASE", "CACHE", "BROKER")}
    assert len(secrets) == 3
    played = start_deploy(host, app=APP).finish()
    assert played.code == 0, played.output
    assert "changed=0" in played.output
    assert not [secret for secret in secrets if secret in played.output]
    words = " ".join(f"-e {secret}" for secret in secrets)
    for one in (host, server):
        # A pattern that does not match itself in the command line of grep.
        unlike = " ".join(f"-e '[{secret[0]}]{secret[1:]}'" for secret in secrets)
        assert one.run(f"grep -la {unlike} /proc/[0-9]*/cmdline").stdout == ""
        assert one.run(f"journalctl --boot | grep -F {words}").stdout == ""
    found = f"find {PLACES} -xdev -type f -size -20M -exec grep -lF {words} {{}} +"
    owners = host.run(f"{found} | xargs stat -c '%a %U:%G %n'").stdout
    assert re.fullmatch(r"(640 root:away /srv/away/releases/[^/]+/env\n)+", owners), owners
    assert server.run(found).stdout == ""
