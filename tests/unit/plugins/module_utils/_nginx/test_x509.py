"""Certificates are read as openssl reads them, and damaged ones are refused."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import x509

LONG = [f"a-name-that-makes-the-list-long-{number}.example.com" for number in range(20)]


def openssl(*arguments, data=""):
    done = subprocess.run(["openssl", *arguments], input=data.encode(), capture_output=True, check=True)
    return done.stdout.decode()


@pytest.fixture
def make(tmp_path):
    """make(key, days, names): a self-signed certificate, as openssl writes it."""

    def make(names=(), *more, key="ec -pkeyopt ec_paramgen_curve:prime256v1", days=30):
        (tmp_path / "key.pem").write_text(openssl("genpkey", "-algorithm", *key.split()))
        extension = ["-addext", f"subjectAltName={','.join(names)}"] if names else []
        given = ["-key", str(tmp_path / "key.pem"), "-days", str(days), "-subj", "/CN=shop.example"]
        return openssl("req", "-x509", *given, *extension, *more)

    return make


def expires(pem, field="-enddate"):
    said = openssl("x509", "-noout", field, data=pem).strip().partition("=")[2]
    return datetime.strptime(said, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)


def begins(pem):
    return expires(pem, "-startdate")


@pytest.mark.parametrize("key", ["ec -pkeyopt ec_paramgen_curve:prime256v1", "rsa", "ed25519"])
def test_keys_of_all_kinds(make, key):
    pem = make(["DNS:Shop.example", "DNS:*.shop.example", "IP:192.0.2.7", "IP:2001:db8::1"], key=key)
    found = x509.read(pem)
    assert found.names == ["shop.example", "*.shop.example", "192.0.2.7", "2001:db8::1"]
    assert (found.self_signed, found.expires) == (True, expires(pem))


# From 2050 on the time is written in another form.
@pytest.mark.parametrize("days", [1, 400, 10_000])
def test_the_expiry(make, days):
    pem = make(days=days)
    assert x509.read(pem).expires == expires(pem)


def test_long_lists_and_other_kinds_of_names(make):
    pem = make([f"DNS:{name}" for name in LONG] + ["email:operator@example.com", "URI:https://example.com/"])
    assert x509.read(pem).names == LONG


def test_no_names(make):
    assert x509.read(make()).names == []


def test_one_of_an_authority(make, tmp_path):
    authority, key = make(), tmp_path / "key.pem"
    (tmp_path / "authority.pem").write_text(authority)
    (tmp_path / "names").write_text("subjectAltName=critical,DNS:a.example\n")
    request = openssl("req", "-new", "-key", str(key), "-subj", "/CN=a.example")
    given = ["-CA", str(tmp_path / "authority.pem"), "-CAkey", str(key), "-extfile", str(tmp_path / "names")]
    pem = openssl("x509", "-req", *given, data=request)
    assert x509.read(pem + authority) == x509.Fields(["a.example"], False, expires(pem), begins(pem))


def test_a_damaged_certificate_is_none(make):
    pem = make(["DNS:shop.example"])
    lines = pem.splitlines()
    assert x509.read(key := "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n") is None
    assert x509.read(key + pem)
    for cut in range(1, len(lines) - 1):
        assert x509.read("\n".join([*lines[:cut], lines[-1]])) is None
    for text in ("", "nothing", pem.replace(lines[3], "!"), f"{lines[0]}\n{lines[-1]}"):
        assert x509.read(text) is None
