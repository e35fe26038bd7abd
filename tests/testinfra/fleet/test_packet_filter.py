"""The hosts that reach an instance for other hosts change while it runs, also after a run that was killed."""

import uuid

import pytest
from helpers.module import call
from visits import ip_address

pytestmark = pytest.mark.long
NAME, KIND = "lab-cache", "cache"
UNIT = f"valkey-server@{NAME}.service"
PROPERTY = f"/run/systemd/system.control/{UNIT}.d/50-IPAddressAllow.conf"
PASSWORD = uuid.uuid4().hex
KNOCK = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"


def instance(**options):
    return {"name": NAME, "kind": KIND, "group": "root", "memory": "32M", **options}


@pytest.fixture(scope="module")
def let_in(database_host, web_hosts):
    """A function that lets a web host in, and returns the answer of the module; the first one is in."""
    database_host.check_output(
        "DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends valkey-server"
    )

    def let_in(name):
        remote = {"app": "lab", "host": name, "address": ip_address(web_hosts[name]), "hosts": list(web_hosts)}
        remote |= {"known": [PASSWORD], "proposed": []}
        return call(database_host, "valkey_instances", instances=[instance(remote=remote)])

    first, *_others = web_hosts
    let_in(first)
    yield let_in
    call(database_host, "valkey_instances", instances=[instance(state="absent")])


def reached(database_host, web_hosts, port):
    """Whether each web host reaches the port."""
    address = ip_address(database_host)
    return [one.run("python3 -c %s %s %s", KNOCK, address, str(port)).rc == 0 for one in web_hosts.values()]


def test_another_host_is_let_in_without_a_restart(database_host, web_hosts, let_in):
    pid, (first, last) = database_host.check_output("systemctl show -P MainPID %s", UNIT), web_hosts
    port = let_in(first)["accesses"][NAME]["port"]
    assert reached(database_host, web_hosts, port) == [True, False]
    answer = let_in(last)
    assert (answer["changed"], answer["restarted"]) == (True, [])
    assert reached(database_host, web_hosts, port) == [True, True]
    assert not let_in(last)["changed"]
    assert not database_host.file(PROPERTY).exists

    # As a run that was killed: the filter of another list, which the drop-in does not have.
    allowed = f"IPAddressAllow={ip_address(web_hosts[first])}"
    database_host.check_output("systemctl set-property --runtime %s IPAddressAllow= %s", UNIT, allowed)
    assert reached(database_host, web_hosts, port) == [True, False]
    answer = let_in(last)
    assert (answer["changed"], answer["restarted"]) == (True, [])
    assert reached(database_host, web_hosts, port) == [True, True]
    assert not database_host.file(PROPERTY).exists

    call(database_host, "valkey_access", app="lab", kind=KIND, host=last)
    assert reached(database_host, web_hosts, port) == [True, False]
    assert not database_host.file(PROPERTY).exists
    assert database_host.check_output("systemctl show -P MainPID %s", UNIT) == pid
