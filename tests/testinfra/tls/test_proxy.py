"""An authority that the host reaches only through an HTTP proxy with a password: certificates and their renewals."""

import pytest
from helpers.hosts import eventually
from helpers.module import call
from helpers.play import REPOSITORY
from helpers.proxy import Proxy, served
from helpers.tls import certificate

SHOP = {
    **{"name": "shop", "tls": "acme", "server_name": ["shop.example.test", "shop2.example.test"]},
    "redirect_from": ["www.shop.example.test"],
}
# This name is known to the proxy alone.
BEHIND = "https://acme.example.test:14000/dir"
CONFIGURATION = "/etc/letsencrypt/renewal/gatehouse-shop.conf"
PASSWORD = "a-passw0rd-of-the-proxy"


@pytest.fixture
def proxy(address):
    with served(Proxy("bot", PASSWORD, {"acme.example.test": (address, 14000)})) as proxy:
        yield proxy


@pytest.fixture
def request_certificate(host):
    """request_certificate(options...): the certificate of one site; in the end it is that of the scenario again."""

    def request(**options):
        authority = (REPOSITORY / ".artifacts/tls/root.pem").read_text()
        answer = call(
            host, "certbot_certificates", sites=[SHOP], authority=authority, email="a@example.test", **options
        )
        assert not answer["failed"], answer["printed"]
        assert (answer["issued"], answer["failures"]) == (["shop"], {})
        return answer["printed"]

    yield request
    host.check_output(f"sed -i '/^renew_before_expiry/d' {CONFIGURATION}")
    request(directory_url="https://localhost:14000/dir")
    assert not host.file("/var/lib/gatehouse/certbot-proxy.env").exists


def test_the_first_certificate_and_its_renewal_come_through_the_proxy(host, address, proxy, request_certificate):
    gateway = host.check_output("ip route show default").split()[2]
    url = f"http://bot:{PASSWORD}@{gateway}:{proxy.server_port}"
    before = certificate(address, "shop.example.test")
    printed = request_certificate(directory_url=BEHIND, proxy={"url": url})
    first = certificate(address, "shop.example.test")
    assert first != before
    assert set(proxy.requests) == {"CONNECT acme.example.test:14000"}
    assert PASSWORD not in printed
    secret = host.file("/var/lib/gatehouse/certbot-proxy.env")
    assert (secret.user, secret.mode) == ("root", 0o600)
    for command in ("systemctl show certbot.service", "systemctl cat certbot.service", "cat /var/log/letsencrypt/*"):
        assert PASSWORD not in host.check_output(command)
    assert host.run("journalctl --quiet --grep %s", PASSWORD).stdout == ""
    proxy.requests.clear()
    host.check_output(f"sed -i '1i renew_before_expiry = 9999 days' {CONFIGURATION}")
    eventually(lambda: host.run("systemctl start certbot.service").rc == 0, 60)
    assert certificate(address, "shop.example.test") != first
    assert set(proxy.requests) == {"CONNECT acme.example.test:14000"}
