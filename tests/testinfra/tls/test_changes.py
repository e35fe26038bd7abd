"""Names and modes of TLS change, and operators bring certificates."""

import http.client
import ssl
from pathlib import Path

import pytest
from helpers.http import Visitor
from helpers.module import call
from helpers.play import REPOSITORY
from helpers.tls import TIMEOUT, certificate, connect, get, trusting

ARTIFACTS = REPOSITORY / ".artifacts/tls"
BLOG = {"name": "blog", "upstream": "http://127.0.0.1:8000", "server_name": ["blog.example.test"]}
BROUGHT = {
    "name": "brought",
    "upstream": "http://127.0.0.1:8000",
    "server_name": ["brought.example.test"],
    "tls": "files",
    "tls_certificate": str(ARTIFACTS / "brought.crt"),
    "tls_key": str(ARTIFACTS / "brought.key"),
}
FILES = {"tls_certificate": "crt", "tls_key": "key"}
EAB = {
    "directory_url": "https://localhost:14001/dir",
    "eab_kid": "customer-7",
    "eab_hmac_key": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
}


def names(address, name, context):
    with connect(address, name, context) as connection:
        return {value for _kind, value in connection.getpeercert()["subjectAltName"]}


def test_a_name_is_added_and_removed(host, address, publish, verifying):
    played = publish(BLOG | {"server_name": ["blog.example.test", "blog2.example.test"]})
    assert played.code == 0, played.output
    assert names(address, "blog2.example.test", verifying) == {"blog.example.test", "blog2.example.test"}
    assert Visitor(address, "blog2.example.test").get("/").headers["Location"] == "https://blog2.example.test/"
    played = publish(BLOG)
    assert played.code == 0, played.output
    assert names(address, "blog.example.test", verifying) == {"blog.example.test"}
    assert host.check_output("ls /etc/letsencrypt/renewal").split().count("gatehouse-blog.conf") == 1


def test_changing_tls_changes_the_certificate(host, address, publish, unverifying):
    before = certificate(address, "blog.example.test")
    played = publish(BLOG | {"tls": "self_signed"})
    assert played.code == 0, played.output
    assert certificate(address, "blog.example.test") != before
    assert "gatehouse-blog.conf" not in host.check_output("ls /etc/letsencrypt/renewal")
    played = publish(BLOG | {"tls": "off"})
    assert played.code == 0, played.output
    assert Visitor(address, "blog.example.test").get("/").status == 200
    with pytest.raises(ssl.SSLError):
        connect(address, "blog.example.test", unverifying)


def test_a_new_certificate_of_the_operator_is_served_at_once(host, address, publish):
    before = certificate(address, "brought.example.test")
    generation = host.check_output("readlink /etc/nginx/gatehouse/live")
    new = BROUGHT | {"tls_certificate": str(ARTIFACTS / "brought2.crt"), "tls_key": str(ARTIFACTS / "brought2.key")}
    played = publish(new)
    assert played.code == 0, played.output
    assert certificate(address, "brought.example.test") != before
    assert host.check_output("readlink /etc/nginx/gatehouse/live") == generation
    key = Path(new["tls_key"]).read_text().splitlines()[1]
    assert key not in played.output
    assert "CN = brought" in played.output or "CN=brought" in played.output


def test_a_wrong_certificate_is_refused_before_any_change(address, publish):
    before = certificate(address, "brought.example.test")
    played = publish(BROUGHT | {"tls_key": str(ARTIFACTS / "other.key")})
    assert played.code != 0
    assert "is not the key of tls_certificate" in played.refusal
    played = publish(BROUGHT | {key: str(ARTIFACTS / f"other.{end}") for key, end in FILES.items()})
    assert played.code != 0
    assert "does not cover brought.example.test, it is for other.example.test" in played.refusal
    assert certificate(address, "brought.example.test") == before


def test_a_site_is_served_by_its_address(address, publish):
    """The handshake has no name: nginx chooses the certificate by the address alone."""
    own = {"name": "self", "upstream": "http://127.0.0.1:8000", "server_name": [address], "tls": "self_signed"}
    played = publish(own)
    assert played.code == 0, played.output
    verifying = trusting(ssl.DER_cert_to_PEM_cert(certificate(address, None)))
    # The host name that the client compares the certificate with is the address.
    connection = http.client.HTTPSConnection(address, timeout=TIMEOUT, context=verifying)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    assert get(address, None, "/", trusting(), host="evil.example.test").status == 421
    assert Visitor(address, address).get("/a").headers["Location"] == f"https://{address}/a"


def test_external_account_binding(host, address, publish, unverifying):
    before = certificate(address, "blog.example.test")
    played = publish(acme=EAB)
    assert played.code == 0, played.output
    assert certificate(address, "blog.example.test") != before
    assert EAB["eab_hmac_key"] not in played.output
    found = host.run(
        "grep --recursive --files-with-matches %s /etc /var/log /run /tmp /root", EAB["eab_hmac_key"]
    ).stdout
    assert found.split() == ["/etc/pebble/pebble-eab.json"]
    assert EAB["eab_hmac_key"] not in host.check_output("journalctl --no-pager")
    assert get(address, "shop.example.test", "/", unverifying).status == 200


def test_lost_certificates_are_replaced(host, address, publish, verifying):
    """nginx would refuse every change without them, also one that is about another site."""
    directory = "/etc/nginx/gatehouse/certificates"
    before = host.check_output(f"sha256sum {directory}/blog.pem {directory}/brought.pem")
    host.check_output(f"rm {directory}/blog.pem {directory}/brought.pem")
    assert host.run("nginx -t").rc != 0
    locations = [{"path": "/", "proxy_pass": "http://127.0.0.1:8000"}]
    other = {"name": "new", "server_name": ["new.example.test"], "locations": locations}
    assert not call(host, "nginx_config", sites=[other])["failed"]
    assert host.run("nginx -t").rc == 0
    played = publish()
    assert played.code == 0, played.output
    assert host.check_output(f"sha256sum {directory}/blog.pem {directory}/brought.pem") == before
    assert get(address, "blog.example.test", "/", verifying).status == 200
