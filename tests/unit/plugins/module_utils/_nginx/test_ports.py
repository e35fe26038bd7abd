"""Which addresses nginx needs for its sites, and who has one that is taken; the host of these tests is the real one."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.ports import Address, taken, wanted

PLAIN = {"listen": ["80", "[::]:80"], "server_name": []}
TLS = PLAIN | {"tls": {"listen": ["443"], "http3": True}}


def shown(sites, has_default=False):
    return [str(address) for address in wanted(sites, has_default=has_default)]


def test_the_addresses_of_sites():
    assert shown([PLAIN]) == ["80", "[::]:80"]
    assert shown([TLS]) == ["80", "[::]:80", "443", "443 (UDP)"]
    assert shown([PLAIN | {"listen": ["192.0.2.1:8080", "[::1]:81"]}]) == ["192.0.2.1:8080", "[::1]:81"]


def test_the_default_server_without_sites():
    assert shown([], has_default=True) == ["80"]
    assert shown([], has_default=False) == []
    assert shown([PLAIN], has_default=True) == ["80", "[::]:80"]


LISTENS = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
input()
"""


@pytest.fixture
def listener():
    """A process that listens: its id and its port. In a container, pytest itself may be process 1."""
    command = [sys.executable, "-c", LISTENS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.pid, int(process.stdout.readline())
        process.communicate("\n")


def said(*addresses, master=None):
    return taken(lambda _command: (0, "", ""), addresses, master)


def test_a_process_that_listens_is_named(listener):
    pid, port = listener
    for host in ("127.0.0.1", "0.0.0.0"):
        (sentence,) = said(Address(host, port))
        assert f"(process {pid}, " in sentence
    assert said(Address("127.0.0.2", port), Address("::", port)) == []


def test_both_addresses_of_a_process_are_one_sentence():
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        port = server.getsockname()[1]
        (sentence,) = said(Address("::", port), Address("0.0.0.0", port))
    assert sentence.startswith(f"nginx needs port {port}, but ")


def test_a_port_that_is_free_again():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert said(Address("0.0.0.0", port)) == []
