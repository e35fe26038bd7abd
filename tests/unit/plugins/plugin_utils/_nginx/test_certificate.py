"""The checks of an operator's certificate on the controller."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.certificate import join_pem
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

NOW = datetime.now(UTC)
SITE = {
    "server_name": ["shop.example", "192.0.2.7", "www.example.*"],
    "redirect_from": ["www.shop.example"],
    "tls_certificate": "shop.crt",
    "tls_key": None,
}
NAMES = (x509.DNSName("shop.example"), x509.DNSName("*.shop.example"), x509.IPAddress(ip_address("192.0.2.7")))


def key():
    return ec.generate_private_key(ec.SECP256R1())


def named(name):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def pem(private, encryption=None, form=PrivateFormat.PKCS8):
    return private.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


def certificate(private, names=NAMES, subject="shop", issuer="intermediate", begins=-1, ends=90):
    builder = x509.CertificateBuilder(named(issuer), named(subject), private.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW + timedelta(days=begins)).not_valid_after(NOW + timedelta(days=ends))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEYS["authority"], SHA256()).public_bytes(Encoding.PEM).decode()


KEYS = {name: key() for name in ("authority", "shop", "other")}
SHOP = certificate(KEYS["shop"])
INTERMEDIATE = certificate(KEYS["authority"], names=None, subject="intermediate", issuer="root")


def test_one_text_with_the_key_first_and_the_chain_in_order():
    text = join_pem(SITE | {"tls_key": "shop.key"}, f"Bag Attributes\n{SHOP}\n{INTERMEDIATE}", pem(KEYS["shop"]))
    assert text == pem(KEYS["shop"]) + SHOP + INTERMEDIATE


def test_one_file_with_everything():
    for both in (SHOP + pem(KEYS["shop"]), pem(KEYS["shop"]) + SHOP):
        assert join_pem(SITE, both, None) == pem(KEYS["shop"]) + SHOP


def test_a_key_in_its_older_form():
    old = pem(KEYS["shop"], form=PrivateFormat.TraditionalOpenSSL)
    assert "EC PRIVATE KEY" in join_pem(SITE | {"tls_key": "shop.key"}, SHOP, old)


PASSPHRASE = BestAvailableEncryption(b"secret")
REFUSED = [
    ("nothing", None, "tls_certificate 'shop.crt' contains no PEM certificate"),
    (
        SHOP.replace("\n", "\nAAAA", 2),
        pem(KEYS["shop"]),
        "tls_certificate 'shop.crt' contains a damaged certificate",
    ),
    (SHOP, None, "tls_certificate 'shop.crt' contains no PEM private key: name the file of the key in tls_key"),
    (SHOP, "nothing", "tls_key 'shop.key' contains no PEM private key"),
    (SHOP, pem(KEYS["shop"], PASSPHRASE), "tls_key 'shop.key' is encrypted"),
    (SHOP, pem(KEYS["shop"], PASSPHRASE, PrivateFormat.TraditionalOpenSSL), "tls_key 'shop.key' is encrypted"),
    (SHOP, pem(KEYS["shop"]).replace("\n", "\nAAAA", 2), "tls_key 'shop.key' contains a private key that is damaged"),
    (SHOP, pem(KEYS["other"]), "tls_key 'shop.key' is not the key of tls_certificate 'shop.crt'"),
    (INTERMEDIATE + SHOP, pem(KEYS["shop"]), "does not begin with the site's certificate"),
    (certificate(KEYS["shop"], ends=-0.5), pem(KEYS["shop"]), "tls_certificate 'shop.crt' expired on "),
    (certificate(KEYS["shop"], begins=1), pem(KEYS["shop"]), "is not valid before "),
    (
        certificate(KEYS["shop"], NAMES[:1]),
        pem(KEYS["shop"]),
        "does not cover 192.0.2.7, www.shop.example, it is for shop.example: use one for all names in server_name",
    ),
    (certificate(KEYS["shop"], None), pem(KEYS["shop"]), "it is for no name: use one"),
    (SHOP + certificate(KEYS["other"]), pem(KEYS["shop"]), "is followed by that of CN=shop, which did not issue it"),
]


@pytest.mark.parametrize(("text", "private", "message"), REFUSED, ids=[message for *_given, message in REFUSED])
def test_refuses(text, private, message):
    with pytest.raises(ValueError) as refusal:
        join_pem(SITE | {"tls_key": "shop.key" if private is not None else None}, text, private)
    assert message in str(refusal.value)
    assert "BEGIN" not in str(refusal.value).replace("-----BEGIN CERTIFICATE-----", "")
