"""Validation over DNS."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._acme import certbot, dns, hook

NONE = {"dns_plugin": None, "dns_credentials": None, "dns_propagation_seconds": None}
RFC2136 = {"dns_plugin": "rfc2136", "dns_credentials": "a = 1\nb = 2\n", "dns_propagation_seconds": 5}


def test_a_wildcard_needs_it():
    names = {"shop": ["shop.example", "*.shop.example"]}
    assert dns.problem(RFC2136, names) is None
    said = dns.problem(NONE, names)
    assert said.startswith("site 'shop': '*.shop.example' is a wildcard, which an authority validates over DNS only")
    assert dns.problem(NONE, {"shop": ["shop.example"]}) is None


def test_wrong_options():
    assert "dns_plugin 'rfc 2136' is not the name of a plugin" in dns.problem({**RFC2136, "dns_plugin": "rfc 2136"}, {})
    said = dns.problem({**RFC2136, "dns_plugin": None}, {})
    assert said.startswith("dns_credentials has no effect without dns_plugin")
    assert "a = 1" not in said


def test_the_command_of_certbot():
    options = {"email": None, "directory_url": "https://a", "eab_kid": None, "eab_hmac_key": None}
    words = " ".join(certbot.command("shop", ["*.shop.example"], options | RFC2136, None))
    assert f"--authenticator dns-rfc2136 --dns-rfc2136-credentials {dns.CREDENTIALS} " in words
    assert "--dns-rfc2136-propagation-seconds 5" in words
    assert "webroot" not in words
    # A plugin such as route53 has no file.
    words = certbot.command("shop", ["*.shop.example"], options | NONE | {"dns_plugin": "route53"}, None)
    assert [word for word in words if word.startswith("--dns")] == []


def test_only_root_reads_the_credentials():
    assert dns.files(RFC2136) == {dns.CREDENTIALS: "a = 1\nb = 2\n"}
    assert dns.files(NONE) == {dns.CREDENTIALS: None}
    assert hook.MODES[dns.CREDENTIALS] == 0o600
