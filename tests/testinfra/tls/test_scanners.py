"""testssl.sh, sslscan and gixy examine the sites."""

import json
import re
import subprocess
from xml.etree import ElementTree

import pytest
from helpers.play import REPOSITORY

GIXY = REPOSITORY / ".venv-gixy/bin/gixy"
# Pebble names no list of what it has taken back; Mozilla's profile leaves the order to the client, for all are good.
NOT_OURS = {"cert_revocation", "cipher_order"}
NAME = "shop.example.test"


@pytest.fixture(scope="module")
def graded(host, authority):
    """testssl.sh's findings by their id."""
    host.check_output("rm -f /root/testssl.json; curl -sk https://localhost:15000/roots/0 > /root/authority.pem")
    host.run(
        f"testssl --quiet --color 0 --warnings off --add-ca /root/authority.pem --jsonfile /root/testssl.json {NAME}"
    )
    return {one["id"]: one for one in json.loads(host.check_output("cat /root/testssl.json"))}


@pytest.mark.long
def test_testssl_grades_the_site_a_plus(host, graded):
    if host.backend.name.endswith("bookworm"):
        # Debian 12's testssl.sh gives no grades yet.
        assert "overall_grade" not in graded
        return
    reasons = [one["finding"] for key, one in graded.items() if key.startswith("grade_cap_reason")]
    assert graded["overall_grade"]["finding"] == "A+", reasons


@pytest.mark.long
def test_testssl_finds_no_vulnerability(graded):
    bad = {key: one["finding"] for key, one in graded.items() if one["severity"] in ("HIGH", "CRITICAL")}
    assert {key: finding for key, finding in bad.items() if key not in NOT_OURS} == {}


def test_sslscan_finds_two_protocols_and_no_weak_cipher(host):
    host.check_output(f"sslscan --xml=/root/sslscan.xml {NAME}")
    tree = ElementTree.fromstring(host.check_output("cat /root/sslscan.xml"))
    enabled = {one.get("version") for one in tree.iter("protocol") if one.get("enabled") == "1"}
    assert enabled == {"1.2", "1.3"}
    ciphers = [one.get("cipher") for one in tree.iter("cipher")]
    assert ciphers
    assert [
        cipher for cipher in ciphers if not re.match(r"TLS_(AES|CHACHA20)|ECDHE-ECDSA-(AES\d+-GCM|CHACHA20)", cipher)
    ] == []
    assert [one.get("supported") for one in tree.iter("compression")] in ([], ["0"])
    assert {one.get("vulnerable") for one in tree.iter("heartbleed")} == {"0"}


def test_gixy_misses_only_hsts(host, tmp_path):
    """HSTS is for the operator to begin with."""
    dump = tmp_path / "nginx.conf"
    dump.write_text(host.check_output("nginx -T 2>/dev/null") + "\n")
    scanned = subprocess.run([GIXY, "--format=json", dump], capture_output=True, text=True, check=False)
    (issue,) = json.loads(scanned.stdout)
    assert issue["plugin"] == "hsts_header"
    assert NAME not in issue["config"]
    assert "blog.example.test" in issue["config"]
