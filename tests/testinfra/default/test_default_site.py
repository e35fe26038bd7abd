"""A site with `default` and TLS: which certificate unknown names get, and what is redirected."""

import http.client
import ssl

import pytest
from helpers.direct import driver as driver_of
from helpers.http import TIMEOUT, Visitor
from helpers.tls import connect, trusting

NAME = "secure.example.test"
TENANT = "tenant.example.org"
TLS = {"tls": "self_signed", "listen": ["8091"], "tls_listen": ["8491"]}
ANSWER = 'location = /word {{ default_type text/plain; return 200 "{}"; }}'


def site(name, **options):
    locations = [{"path": "/", "proxy_pass": "http://127.0.0.1:8000"}]
    given = {"name": name, "server_name": [f"{name}.example.test"], "locations": locations}
    return given | TLS | {"snippet": ANSWER.format(name)} | options


@pytest.fixture(scope="module")
def publish(host):
    driver = driver_of(host.backend.name)

    def publish(*sites):
        published = driver.publish(*sites)
        assert not published["failed"], published["msg"]

    yield publish
    publish({"name": "secure", "state": "absent"}, {"name": "other", "state": "absent"})


def word(address, named, host):
    """The answer over HTTPS to a client whose handshake names *named*, and the certificate that it gets."""
    connection = http.client.HTTPSConnection(address, 8491, timeout=TIMEOUT)
    connection.sock = connect(address, named, trusting(), 8491)
    try:
        certificate = connection.sock.getpeercert(binary_form=True)
        connection.request("GET", "/word", headers={"Host": host, "Connection": "close"})
        return connection.getresponse().read().decode(), certificate
    finally:
        connection.close()


@pytest.mark.parametrize("front", [None, {"addresses": ["192.0.2.1"]}], ids=["alone", "behind"])
def test_unknown_names_get_the_certificate_of_the_default_site(host, address, publish, front):
    publish(site("secure"), site("other"))
    with pytest.raises(ssl.SSLError):
        connect(address, TENANT, trusting(), 8491)
    publish(site("secure", default=True, behind=front))
    own = ssl.PEM_cert_to_DER_cert(host.check_output("openssl x509 -in /etc/nginx/gatehouse/certificates/secure.pem"))
    for named in (TENANT, None, NAME):
        assert word(address, named, named or address) == ("secure", own)
    assert word(address, "other.example.test", "other.example.test")[0] == "other"
    # The certificate is for none of the unknown names.
    for name in (TENANT, address):
        assert Visitor(address, name, 8091).get("/word").text == "secure"
    assert Visitor(address, NAME, 8091).get("/word").status == 308
    assert Visitor(address, "other.example.test", 8091).get("/word").status == 308
