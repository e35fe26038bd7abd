"""What does not work never stays live, and the second run says so just as the first one did."""

from contextlib import contextmanager

import pytest
from helpers.hosts import eventually


@contextmanager
def file_of_another_owner(host, content):
    """A file in conf.d that Gatehouse knows nothing of."""
    path = "/etc/nginx/conf.d/another.conf"
    host.check_output("printf '%%s' %s > %s", content, path)
    try:
        yield path
    finally:
        host.check_output("rm %s", path)


@contextmanager
def port_held(host, port):
    """A process that is not nginx and listens on *port*."""
    code = f"import socket, time; s = socket.create_server(('0.0.0.0', {port})); time.sleep(600)"
    host.check_output("systemd-run --quiet --unit=port-holder python3 -c %s", code)
    try:
        assert eventually(lambda: host.socket(f"tcp://0.0.0.0:{port}").is_listening)
        yield
    finally:
        host.check_output("systemctl stop port-holder")


def live(host):
    return host.check_output("readlink /etc/nginx/gatehouse/live; find /etc/nginx -type f -exec sha256sum {} +")


@pytest.fixture
def refuse(host, publish, guestbook):
    """The message of a change that must be refused, twice alike, with the live configuration as it was and served."""

    def refuse(site):
        before = live(host)
        first, second = publish(site), publish(site)
        assert first["failed"]
        assert second["failed"]
        assert first["msg"] == second["msg"]
        kept = [line for line in before.splitlines() if "/generations/" not in line]
        assert [line for line in live(host).splitlines() if "/generations/" not in line] == kept
        assert guestbook.get("/").status == 200
        return first["msg"]

    return refuse


def test_a_directive_that_nginx_does_not_know(refuse, site):
    message = refuse(site | {"snippet": "no_such_directive on;"})
    assert message.startswith("nginx refuses the new configuration: [emerg] unknown directive")
    assert "This is site 'extra'. The live configuration is as it was." in message


def test_a_port_that_another_process_holds(host, refuse, site):
    with port_held(host, 8099):
        message = refuse(site | {"listen": ["80", "8099"]})
    assert "nginx did not take the new configuration over: [emerg] bind() to 0.0.0.0:8099 failed" in message
    assert "The live configuration is as it was, and nginx serves it." in message


def test_a_name_that_another_owners_file_serves(host, refuse, site):
    with file_of_another_owner(host, "server { listen 80; server_name extra.example.test; }"):
        message = refuse(site)
    assert "server_name extra.example.test of site extra is already served by another server block" in message


def test_a_file_of_another_owner_that_was_broken_before(host, refuse, site):
    with file_of_another_owner(host, "server {") as path:
        message = refuse(site)
    assert f"{path} does not belong to Gatehouse" in message


def test_after_a_refusal_the_same_site_can_be_published(host, publish, site, extra):
    assert publish(site | {"snippet": "no_such_directive on;"})["failed"]
    assert publish(site)["changed"]
    assert extra.get("/word").text == "extra"
