"""Certificates that another program maintains on the host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import certificates, host_certificates, x509

KEY = "-----BEGIN PRIVATE KEY-----\n"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A record of a site, its key and its certificate, whose fields are as the test wants them."""

    def made(key=KEY, mode=0o600, days=30, names=("*.example.com",)):
        for name, text in (("crt", "a certificate"), ("key", key)):
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(mode)
        expires = datetime.now(UTC) + timedelta(days=days)
        monkeypatch.setattr(x509, "read", lambda _pem: x509.Fields(list(names), False, expires, expires))
        tls = {"mode": "host", "listen": ["443"], "options": ["ssl"], "http3": False, "names": ["*.example.com"]}
        tls["files"] = [str(tmp_path / "crt"), str(tmp_path / "key")]
        return {"listen": ["80"], "server_name": ["*.example.com", "www.example.*"], "tls": tls}

    return made


def test_a_good_one(made):
    site = made()
    assert host_certificates.check({"shop": site, "plain": {"listen": ["80"], "server_name": []}}, {}) == []
    assert [str(path) for path in certificates.paths_of("/etc/nginx", {"shop": site})] == site["tls"]["files"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key": "nothing"}, "tls_key '.*key' contains no PEM private key"),
        ({"key": "-----BEGIN ENCRYPTED PRIVATE KEY-----"}, "tls_key '.*key' is encrypted"),
        ({"mode": 0o644}, "tls_key .*mode 0644"),
        ({"mode": 0o660}, "tls_key .*mode 0660"),
        ({"days": -1}, "tls_certificate .* expired on"),
        ({"names": ["other.example"]}, r"tls_certificate .* does not cover \*\.example\.com, it is for other\.example"),
    ],
)
def test_a_bad_one_is_refused_and_later_only_a_warning(made, options, words):
    site = made(**options)
    with pytest.raises(ValueError, match=f"site 'shop': {words}"):
        host_certificates.check({"shop": site}, {})
    assert len(host_certificates.check({"shop": site}, {"shop": site})) == 1


def test_an_app_cannot_bring_a_key(made, monkeypatch, tmp_path):
    site = made()
    monkeypatch.setattr(untrusted, "APP_DIRECTORY", untrusted.re.compile(str(tmp_path)))
    with pytest.raises(ValueError, match="is in a directory that an app can write"):
        host_certificates.check({"shop": site}, {})
