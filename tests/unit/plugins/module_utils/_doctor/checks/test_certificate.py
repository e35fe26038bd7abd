"""What is wrong with a certificate that nginx presents."""

from __future__ import annotations

import ssl
import subprocess
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import certificate
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.certificate import (
    Defect,
    Validity,
    describe,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import find, parse
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.certificates import make

DAY = 86400
NOW = time.time()
VALID = Validity(NOW - DAY, NOW + DAY, ["shop.test", "*.shop.test"])


def run(args, *, data=None, binary_data=False):
    done = subprocess.run(args, input=data, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("validity", "defect", "words"),
    [
        (VALID, None, ""),
        (Validity(NOW - 2 * DAY, NOW - DAY, ["shop.test", "*.shop.test"]), Defect.EXPIRED, "expired on 20"),
        (Validity(NOW + DAY, NOW + 2 * DAY, ["*.shop.test"]), Defect.NOT_YET_VALID, "is not valid before 20"),
        (
            Validity(NOW - DAY, NOW + DAY, ["shop.test"]),
            Defect.WRONG_NAMES,
            "is for shop.test, not for www.shop.test",
        ),
        (
            Validity(NOW - DAY, NOW + DAY, []),
            Defect.WRONG_NAMES,
            "is for no name, not for shop.test, www.shop.test",
        ),
    ],
)
def test_why_browsers_reject_it(validity, defect, words):
    wanted = ["shop.test", "www.shop.test"]
    assert validity.defect(wanted) is defect
    if defect:
        assert describe(validity, defect, wanted).startswith(words)


@pytest.fixture
def check(doctor_host, monkeypatch, tmp_path):
    """check(what nginx presents, what is in the file): the finding."""

    def check(presented, on_disk=None, path=None, names="shop.test"):
        path = path or f"{tmp_path}/site.pem"
        (tmp_path / "site.pem").write_text("KEY\n-----BEGIN CERTIFICATE-----\nkept\n-----END CERTIFICATE-----\n")
        known = {True: on_disk, False: presented}
        monkeypatch.setattr(ssl, "DER_cert_to_PEM_cert", lambda der: der.decode())
        monkeypatch.setattr(certificate, "read_validity", lambda host, pem: known["kept" in pem])
        host = doctor_host(f"server {{ listen 443 ssl; server_name {names};\nssl_certificate {path}; }}")
        return certificate.check_certificate(host, find(host, parse("https://shop.test")), b"presented")

    return check


OLD = Validity(NOW - 2 * DAY, NOW - DAY, ["shop.test"])


def test_a_valid_certificate(check):
    assert check(VALID) is None
    # openssl cannot read it: then the handshake shows what is wrong.
    assert check(None) is None


def test_a_new_file_that_nginx_has_not_read(check, tmp_path):
    finding = check(OLD, VALID)
    assert f"; the one in {tmp_path}/site.pem is valid, and nginx has not read it." in finding.cause
    assert finding.remedy == "`systemctl reload nginx`"


def test_the_remedy_names_the_place(check, tmp_path):
    finding = check(OLD, OLD)
    assert finding.cause.startswith("The certificate that nginx presents for shop.test expired on")
    assert f"valid now and for shop.test into {tmp_path}/site.pem ({tmp_path}/nginx.conf:3)" in finding.remedy
    finding = check(OLD, path="/etc/letsencrypt/live/shop/fullchain.pem")
    assert "`certbot renew --cert-name shop`" in finding.remedy
    # A renewal adds no name.
    finding = check(Validity(NOW - DAY, NOW + DAY, ["other.test"]), path="/etc/letsencrypt/live/shop/fullchain.pem")
    assert "--cert-name shop --expand --nginx -d other.test -d shop.test &&" in finding.remedy
    finding = check(OLD, path=f"{tmp_path}/gatehouse/certificates/shop.pem")
    assert "gatehouse.django.site" in finding.remedy


def test_a_web_host_has_a_certificate_for_its_balancers(check):
    names, path = "shop.test shop.gatehouse.internal", "/etc/gatehouse/services/web/server.crt"
    assert check(Validity(NOW - DAY, NOW + DAY, ["shop.gatehouse.internal"]), names=names) is None
    finding = check(Validity(NOW - DAY, NOW + DAY, ["blog.gatehouse.internal"]), names=names, path=path)
    assert "is for blog.gatehouse.internal, not for shop.gatehouse.internal" in finding.cause
    assert finding.remedy.startswith("Run `ansible-playbook gatehouse.django.site`")


def test_a_real_one_is_read(doctor_host):
    host = doctor_host()
    object.__setattr__(host, "run", run)
    pem = make(run, "shop", ["shop.test", "192.0.2.1"])
    found = certificate.read_validity(host, pem[pem.index("-----BEGIN CERTIFICATE") :])
    assert found.names == ["shop.test", "192.0.2.1"]
    assert found.defect(["shop.test"]) is None
    assert 820 * DAY < found.ends - found.begins < 830 * DAY
    assert certificate.read_validity(host, "no certificate") is None


def test_a_key_in_the_file_is_not_read(tmp_path):
    (tmp_path / "x.pem").write_text("-----BEGIN PRIVATE KEY-----\ngeheim\n-----END PRIVATE KEY-----\n")
    assert certificate.first_certificate(str(tmp_path / "x.pem")) == ""
    assert certificate.first_certificate(str(tmp_path / "none.pem")) == ""
