"""TLS between the balancer and the web hosts: verified, and turned off and on while visitors are served."""

import ssl
from contextlib import contextmanager, suppress

import pytest
from helpers.http import raw
from helpers.module import call
from helpers.tls import connect, trusting, visitors
from plays import publish
from visits import NAME, ip_address, nodes, nodes_after_a_death

WEB1, WEB2 = "gatehouse-fleet-web1", "gatehouse-fleet-web2"
CERTIFIED = "guestbook.gatehouse.internal"
SERVICES = "/etc/gatehouse/services"


def authority(host):
    return host.file(f"{SERVICES}/authority.crt").content_string


def kept(host, port):
    """The connections of the balancer to this port of the web hosts that nginx keeps for GETs."""
    return host.check_output(f"ss --no-header --tcp --numeric state established '( dport = :{port} )'").splitlines()


@contextmanager
def another_authority(host):
    """The web host has made its certificate anew, as after an installation, and the balancer does not know it."""
    host.check_output(f"mv {SERVICES} /root/services")
    try:
        call(host, "service_certificate", names=[CERTIFIED], pair="web")
        # A reload keeps the TLS sessions, with which a balancer knows the host again.
        host.check_output("systemctl restart nginx")
        yield
    finally:
        host.check_output(f"rm -rf {SERVICES}; mv /root/services {SERVICES}; systemctl restart nginx")


def test_the_balancer_uses_tls(host, address, web_hosts):
    assert nodes(address) == set(web_hosts)
    assert len(kept(host, 443)) > 0
    assert kept(host, 80) == []


def test_each_host_has_a_certificate_of_its_own(web_hosts):
    for name, web in web_hosts.items():
        with connect(ip_address(web), CERTIFIED, trusting(authority(web))) as connection:
            assert connection.version() == "TLSv1.3"
        other = web_hosts[WEB1 if name == WEB2 else WEB2]
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(ip_address(web), CERTIFIED, trusting(authority(other)))


def test_nothing_is_sent_to_a_host_that_the_balancer_does_not_believe(host, address, web_hosts):
    names = {ip_address(one): name for name, one in web_hosts.items()}
    with another_authority(web_hosts[WEB2]):
        assert nodes(address) == {WEB1}
        (found,) = call(host, "django_doctor", hosts=names)["findings"]
        assert (found["host"], "its certificate is none that this host believes" in found["cause"]) == (WEB2, True)
    assert nodes_after_a_death(address, web_hosts) == set(web_hosts)


def test_a_web_host_closes_the_connections_of_others_with_tls(web_hosts):
    for web in web_hosts.values():
        request = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
        with connect(ip_address(web), CERTIFIED, trusting()) as connection:
            connection.sendall(request)
            with suppress(ConnectionResetError):
                assert connection.recv(100) == b""
        assert raw(ip_address(web), request) == b""


@pytest.mark.long
def test_visitors_do_not_notice_that_tls_is_turned_off_and_on(host, address, web_hosts):
    try:
        with visitors(address, NAME, 2) as (answers, failures):
            played = publish(host, upstream_tls=False)
            assert played.code == 0, played.output
            assert nodes(address) == set(web_hosts)
            assert len(kept(host, 80)) > 0
            # The balancer does not know the other web host yet.
            refused = publish(host, [host.backend.name, WEB1])
            assert refused.code != 0
            assert f"TLS with web host {ip_address(web_hosts[WEB2])}:443 fails" in refused.refusal
            assert nodes(address) == set(web_hosts)
    finally:
        with visitors(address, NAME, 2) as (later_answers, later_failures):
            played = publish(host)
            assert played.code == 0, played.output
            assert nodes(address) == set(web_hosts)
            assert len(kept(host, 443)) > 0
    assert (failures, later_failures) == ([], [])
    assert min(len(answers), len(later_answers)) > 100
