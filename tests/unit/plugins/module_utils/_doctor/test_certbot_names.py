"""The command that adds names to a certificate of certbot."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import certbot_names

NAMES = ["shop.test", "www.shop.test"]


@pytest.mark.parametrize(
    ("conf", "options"),
    [
        ("", "--nginx"),
        ("authenticator = nginx\ninstaller = nginx\n", "--nginx"),
        ("authenticator = webroot\nwebroot_path = /var/www/acme,\n", "--webroot --webroot-path /var/www/acme"),
        ("authenticator = dns-rfc2136\n", "--dns-rfc2136"),
        ("authenticator = nginx\nserver = https://acme-v02.api.letsencrypt.org/directory\n", "--nginx"),
        ("authenticator = nginx\nserver = https://ca.test/dir\n", "--nginx --server https://ca.test/dir"),
    ],
)
def test_all_names_and_the_way_of_the_last_time(tmp_path, monkeypatch, conf, options):
    (tmp_path / "renewal").mkdir()
    (tmp_path / "renewal/shop.conf").write_text(f"[renewalparams]\n{conf}")
    monkeypatch.setattr(certbot_names, "CERTBOT_DIRECTORY", str(tmp_path))
    assert certbot_names.expand("shop", NAMES) == (
        f"`certbot certonly --cert-name shop --expand {options} -d shop.test -d www.shop.test "
        "&& systemctl reload nginx`."
    )


def test_a_wildcard_needs_dns(tmp_path, monkeypatch):
    monkeypatch.setattr(certbot_names, "CERTBOT_DIRECTORY", str(tmp_path))
    remedy = certbot_names.expand("shop", ["shop.test", "*.shop.test"])
    assert "-d shop.test &&" in remedy
    assert remedy.endswith("For *.shop.test certbot needs a DNS plugin.")
