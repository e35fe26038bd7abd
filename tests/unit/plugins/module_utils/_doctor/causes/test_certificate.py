"""What is wrong with the certificate that nginx shows."""

from __future__ import annotations

import ssl
import subprocess
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import certificate
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.certificate import Validity
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Request
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.certificates import make

DAY = 86400
NOW = time.time()
WELL = Validity(NOW - DAY, NOW + DAY, ["shop.test", "*.shop.test"])


def run(args, *, data=None, binary_data=False):
    done = subprocess.run(args, input=data, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("validity", "said"),
    [
        (WELL, ""),
        (Validity(NOW - 2 * DAY, NOW - DAY, ["shop.test", "*.shop.test"]), "has expired on 20"),
        (Validity(NOW + DAY, NOW + 2 * DAY, ["shop.test", "*.shop.test"]), "is valid from 20"),
        (Validity(NOW - DAY, NOW + DAY, ["shop.test"]), "is for shop.test, not for www.shop.test"),
        (Validity(NOW - DAY, NOW + DAY, []), "is for no name, not for shop.test, www.shop.test"),
    ],
)
def test_what_browsers_have_against_it(validity, said):
    found = validity.problem(["shop.test", "www.shop.test"])
    assert found.startswith(said)
    assert bool(found) == bool(said)


@pytest.fixture
def explain(doctor_host, monkeypatch, tmp_path):
    """explain(what is shown, what is in the file): the findings."""

    def explain(shown, kept=None, path=None):
        path = path or f"{tmp_path}/site.pem"
        (tmp_path / "site.pem").write_text("KEY\n-----BEGIN CERTIFICATE-----\nkept\n-----END CERTIFICATE-----\n")
        known = {"shown": shown, "kept": kept}
        monkeypatch.setattr(ssl, "DER_cert_to_PEM_cert", lambda der: der.decode())
        monkeypatch.setattr(certificate, "read", lambda host, pem: known["kept" if "kept" in pem else "shown"])
        host = doctor_host(f"server {{ server_name shop.test;\nssl_certificate {path}; }}")
        request = Request("shop.test", "shop.test", "127.0.0.1", "443", True, "/")
        return certificate.explain(host, request, host.tree.own("http").own("server"), b"shown")

    return explain


OLD = Validity(NOW - 2 * DAY, NOW - DAY, ["shop.test"])


def test_all_is_well(explain):
    assert explain(WELL) == []
    # What openssl cannot read is for others to judge.
    assert explain(None) == []


def test_a_new_file_that_nginx_has_not_read(explain, tmp_path):
    (finding,) = explain(OLD, WELL)
    assert f"; the one in {tmp_path}/site.pem is right, and nginx has not read it." in finding.cause
    assert finding.remedy == "`systemctl reload nginx`"


def test_where_a_better_one_has_to_go(explain, tmp_path):
    (finding,) = explain(OLD, OLD)
    assert finding.cause.startswith("The certificate that nginx shows for shop.test has expired on")
    assert f"valid now and for shop.test into {tmp_path}/site.pem ({tmp_path}/nginx.conf:3)" in finding.remedy
    (finding,) = explain(OLD, path="/etc/letsencrypt/live/shop/fullchain.pem")
    assert "`certbot renew --cert-name shop`" in finding.remedy
    (finding,) = explain(OLD, path=f"{tmp_path}/gatehouse/certificates/shop.pem")
    assert "gatehouse.django.site" in finding.remedy


def test_a_real_one_is_read(doctor_host):
    host = doctor_host()
    object.__setattr__(host, "run", run)
    pem = make(run, "shop", ["shop.test", "192.0.2.1"])
    found = certificate.read(host, pem[pem.index("-----BEGIN CERTIFICATE") :])
    assert found.names == ["shop.test", "192.0.2.1"]
    assert found.problem(["shop.test"]) == ""
    assert 820 * DAY < found.ends - found.begins < 830 * DAY
    assert certificate.read(host, "no certificate") is None


def test_nothing_of_a_key_is_taken_from_the_file(tmp_path):
    (tmp_path / "x.pem").write_text("-----BEGIN PRIVATE KEY-----\ngeheim\n-----END PRIVATE KEY-----\n")
    assert certificate._first(str(tmp_path / "x.pem")) == ""
    assert certificate._first(str(tmp_path / "none.pem")) == ""
