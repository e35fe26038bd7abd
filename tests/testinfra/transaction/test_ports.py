"""A port that another process has is named with the process before anything changes, in check mode, too."""

from pathlib import Path

import pytest
from helpers.hosts import eventually
from helpers.play import Play
from helpers.sites import SHOP
from helpers.sites import extra as site
from helpers.states import START, nginx_stopped, port_held, transient_service

ROLE = Path(__file__).parents[1] / "fresh" / "nginx.yml"
DROP_INS = "/etc/systemd/system/nginx.service.d"
WANTED = site(listen=["80", "8099", "[::]:8099"])
HOLD = """
import socket, time
holder = socket.socket(socket.{family}, socket.SOCK_STREAM)
holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if holder.family == socket.AF_INET6:
    holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, {v6only})
holder.bind(("{host}", 8099))
holder.listen()
time.sleep(600)
"""
# Another process, and the port as the message has it.
HOLDERS = {
    "all IPv4 addresses": ("AF_INET", "0.0.0.0", 0, "8099"),
    "one IPv4 address": ("AF_INET", "127.0.0.1", 0, "8099"),
    "all IPv6 addresses": ("AF_INET6", "::", 1, "[::]:8099"),
    "one IPv6 address": ("AF_INET6", "::1", 1, "[::]:8099"),
    "all addresses of both": ("AF_INET6", "::", 0, "8099"),
}


@pytest.mark.parametrize("kind", HOLDERS)
def test_the_process_is_named(driver, refuse, kind):
    family, host, v6only, port = HOLDERS[kind]
    code = HOLD.format(family=family, host=host, v6only=v6only)
    with transient_service(driver, "holder", "python3", "-c", code):
        eventually(lambda: driver.shell("ss -Hltn sport = :8099"))
        pid = driver.shell("systemctl show --property=MainPID --value holder")
        message = refuse(WANTED)
        checked = driver.publish(WANTED, check=True)
    assert f"nginx needs port {port}, but python3 (process {pid}, holder.service) listens on it." in message
    assert "systemctl disable --now holder.service" in message
    assert message.endswith("Nothing was changed.")
    assert checked["msg"] == message


def test_a_socket_unit_is_named(driver, refuse, undo):
    undo("systemctl stop holder.socket; rm /run/systemd/system/holder.*; systemctl daemon-reload")
    driver.shell(
        "cd /run/systemd/system; printf '[Socket]\\nListenStream=8099\\n' >holder.socket\n"
        "printf '[Service]\\nExecStart=/bin/true\\n' >holder.service\n"
        "systemctl daemon-reload; systemctl start holder.socket"
    )
    message = refuse(WANTED)
    assert "nginx needs port 8099, but holder.socket listens on it." in message
    assert "systemctl disable --now holder.socket" in message


def test_a_process_without_a_service(driver, refuse):
    """It has a scope: that of a login or of a container."""
    code = HOLD.format(family="AF_INET", host="0.0.0.0", v6only=0)
    driver.shell(f"systemd-run --quiet --collect --scope --unit=login python3 -c '{code}' >/dev/null 2>&1 &")
    try:
        eventually(lambda: driver.shell("ss -Hltn sport = :8099"))
        message = refuse(WANTED)
    finally:
        driver.shell("systemctl stop login.scope")
    assert "login.scope) listens on it. End it with 'kill " in message


def test_a_port_of_quic(driver, refuse):
    has_quic = "--with-http_v3_module" in driver.info()["configure_arguments"]
    code = 'import socket, time; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("", 8443)); time.sleep(600)'
    with transient_service(driver, "holder", "python3", "-c", code):
        eventually(lambda: driver.shell("ss -Hlun sport = :8443"))
        message = refuse(site(tls="self_signed", tls_listen=["8443"], http3=True))
    assert ("nginx needs port 8443 (UDP), but python3" if has_quic else "http3 is not supported") in message


def test_nginx_that_is_stopped_and_one_that_was_started_by_hand(driver, undo):
    """An unchanged configuration could not be served, either."""
    with nginx_stopped(driver):
        with port_held(driver, 80):
            said = driver.publish(SHOP)
            assert "nginx needs port 80, but python3" in said["msg"]
            assert driver.info()["taken_ports"] == [said["msg"].removesuffix(" Nothing was changed.")]
        driver.shell("systemd-run --quiet --scope --unit=hand nginx >/dev/null 2>&1")
        undo("systemctl stop hand.scope; rm -f /run/nginx.pid; " + START)
        message = driver.publish(SHOP)["msg"]
        assert (
            "hand.scope) listens on it. nginx.service does not control this nginx: end it with 'kill -QUIT" in message
        )
        driver.shell("systemctl stop hand.scope")


def test_the_role_writes_nothing_where_a_stopped_nginx_cannot_start(host, driver, undo):
    """The usual state after `apt install nginx` beside another web server."""
    undo(f"mv /root/drop-ins {DROP_INS}; systemctl daemon-reload")
    driver.shell(f"mv {DROP_INS} /root/drop-ins; systemctl daemon-reload")
    before = driver.ask("snapshot", "/etc")
    with nginx_stopped(driver), port_held(driver, 80):
        # It leaves an empty pid file.
        driver.shell("nginx -t 2>/dev/null || true")
        played = Play(ROLE, host).finish()
    assert played.code != 0
    assert "nginx needs port 80, but python3 (process " in played.refusal
    assert played.refusal.endswith("Nothing was changed.")
    assert driver.ask("snapshot", "/etc") == before


def test_nginx_info_looks_at_more_addresses(driver):
    """Before the sites are published: nginx runs, and listens on none of them yet."""
    with port_held(driver, 8443):
        (said,) = driver.info(listen=["80", "[::]:80", "8443", "[::]:8443", "8443/udp", "192.0.2.7:81"])["taken_ports"]
    assert "nginx needs port 8443, but python3" in said
    assert driver.info(listen=["8443"])["taken_ports"] == []
    assert driver.info(listen=["host:80"])["msg"].startswith("listen 'host:80' has a host name")


def test_nginxs_own_ports_are_not_taken(driver, extra):
    """Nor is an address of a port that it has for all addresses."""
    assert driver.info()["taken_ports"] == []
    for _twice in range(2):
        assert not driver.publish(WANTED)["failed"]
    assert not driver.publish(site(listen=["80", "127.0.0.1:8099", "8099"]))["failed"]
    assert extra.get("/word").text == "extra"
