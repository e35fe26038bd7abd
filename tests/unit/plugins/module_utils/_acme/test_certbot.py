"""When certbot requests a certificate, its command line, and the reason of a failure."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._acme import certbot
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import certificates

NAMES = ["shop.example", "www.shop.example"]
URL = "https://acme.example/directory"
NO_DNS = {"dns_plugin": None, "dns_credentials": None, "dns_propagation_seconds": None}
OPTIONS = {"email": None, "directory_url": URL, "eab_kid": None, "eab_hmac_key": None} | NO_DNS


def run(args, *, data=None, binary_data=False):
    done = subprocess.run(args, input=data, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A certbot that has a certificate of the site shop."""
    monkeypatch.setattr(certbot, "CONFIG_DIR", tmp_path)
    for directory in ("live/gatehouse-shop", "archive/gatehouse-shop", "renewal"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "renewal/gatehouse-shop.conf").write_text(f"[renewalparams]\nserver = {URL}\n")
    for kind in ("cert", "chain", "fullchain", "privkey"):
        (certbot.lineage("shop") / f"{kind}.pem").write_text(certificates.make(run, "shop", NAMES))
    return tmp_path


def test_no_reason_to_request_a_valid_certificate(home):
    assert certbot.reason_to_request(run, "shop", ["WWW.shop.example", "shop.example"], URL) is None


def test_another_way_of_validation_is_a_reason(home):
    configuration = home / "renewal/gatehouse-shop.conf"
    configuration.write_text(f"[renewalparams]\nserver = {URL}\nauthenticator = dns-rfc2136\n")
    assert certbot.reason_to_request(run, "shop", NAMES, URL) == "certbot renews it with dns-rfc2136"
    assert certbot.reason_to_request(run, "shop", NAMES, URL, "dns-rfc2136") is None


def test_reasons_to_request_a_certificate(home):
    assert certbot.reason_to_request(run, "blog", NAMES, URL) == "there is none"
    assert certbot.reason_to_request(run, "shop", NAMES[:1], URL) == "it is for shop.example, www.shop.example"
    assert (
        certbot.reason_to_request(run, "shop", [*NAMES, "b.example"], URL) == "it is for shop.example, www.shop.example"
    )
    assert certbot.reason_to_request(run, "shop", NAMES, "https://other.example") == f"it is from {URL}"
    (certbot.lineage("shop") / "cert.pem").write_text("")
    assert certbot.reason_to_request(run, "shop", NAMES, URL) == "it is damaged"


def test_a_complete_certificate_stays(home):
    certbot.remove_incomplete("shop")
    assert certbot.reason_to_request(run, "shop", NAMES, URL) is None


@pytest.mark.parametrize("lost", ["renewal/gatehouse-shop.conf", "live/gatehouse-shop/privkey.pem"])
def test_an_incomplete_certificate_is_removed(home, lost):
    (home / lost).unlink()
    certbot.remove_incomplete("shop")
    assert list(home.rglob("*gatehouse-shop*")) == []


def test_an_incomplete_renewal_configuration_is_removed(home):
    (home / "renewal/gatehouse-shop.conf").write_text("")
    certbot.remove_incomplete("shop")
    assert list(home.rglob("*gatehouse-shop*")) == []


def test_unused_certificates(home):
    acme = {"tls": {"mode": "acme"}}
    assert certbot.unused_certificates({"shop": acme, "blog": acme}) == []
    assert certbot.unused_certificates({"shop": {"tls": {"mode": "files"}}}) == ["gatehouse-shop"]
    assert certbot.unused_certificates({}) == ["gatehouse-shop"]


def test_the_command(tmp_path):
    words = certbot.command("shop", NAMES, OPTIONS, None)
    assert words[-4:] == ["--domain", "shop.example", "--domain", "www.shop.example"]
    assert "--register-unsafely-without-email" in words
    assert "--config" not in words
    assert "--email" in certbot.command("shop", NAMES, OPTIONS | {"email": "a@example"}, None)


def test_no_secret_is_an_argument(tmp_path):
    options = OPTIONS | {"eab_kid": "kid-1", "eab_hmac_key": "c2VjcmV0"}
    words = certbot.command("shop", NAMES, options, tmp_path / "certbot.ini")
    assert words[words.index("--config") + 1] == str(tmp_path / "certbot.ini")
    assert not {"kid-1", "c2VjcmV0"} & set(words)
    assert certbot.secret_configuration(options) == "eab-kid = kid-1\neab-hmac-key = c2VjcmV0\n"
    assert certbot.secret_configuration(OPTIONS) is None


def test_what_the_authority_said():
    out = """Requesting a certificate for shop.example

Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Domain: shop.example
  Type:   connection
  Detail: 192.0.2.1: Connection refused

Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot.
"""
    expected = "Domain: shop.example Type: connection Detail: 192.0.2.1: Connection refused"
    assert (
        certbot.error_message(out, "Some challenges have failed.\nAsk for help or search for solutions\n") == expected
    )


def test_certbots_last_lines_are_the_reason():
    err = "Saving debug log to /var/log/x.log\nAn unexpected error occurred:\nRefused\nAsk for help\n"
    assert certbot.error_message("", err) == "An unexpected error occurred: Refused"


def test_the_authoritys_error_is_read_from_certbots_log(monkeypatch, tmp_path):
    log = tmp_path / "letsencrypt.log"
    monkeypatch.setattr(certbot, "LOG", log)
    assert certbot.log_since(certbot.log_size()) == ""
    log.write_text("acme.messages.Error: urn:ietf:params:acme:error:rateLimited :: yesterday\n")
    begin = certbot.log_size()
    with log.open("a") as more:
        more.write("Traceback\nacme.messages.Error: urn:ietf:params:acme:error:badNonce :: used\nAttributeError: x\n")
    err = "An unexpected error occurred:\nAttributeError: can't set attribute\n"
    assert certbot.error_message("", err, certbot.log_since(begin)) == "urn:ietf:params:acme:error:badNonce :: used"
    log.write_text("new\n")
    assert certbot.log_since(begin) == "new\n"
