"""nginx and the application do not speak the same protocol."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import wrong_protocol


def test_an_application_without_tls(failed_visit, tmp_path):
    words = "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking"
    finding = wrong_protocol.explain(failed_visit("location / { proxy_pass https://127.0.0.1:1; }", words))
    assert "does not speak TLS as proxy_pass https://127.0.0.1:1" in finding.cause
    assert finding.remedy.startswith(f"Write 'proxy_pass http://127.0.0.1:1;' in {tmp_path}/nginx.conf:3")


def test_another_protocol(failed_visit):
    words = "upstream sent no valid HTTP/1.0 header while reading response header from upstream"
    finding = wrong_protocol.explain(failed_visit("location / { proxy_pass http://127.0.0.1:1; }", words))
    assert "does not answer in that protocol" in finding.cause
    assert "`uwsgi --socket` needs uwsgi_pass" in finding.remedy


def test_another_error(failed_visit):
    assert wrong_protocol.explain(failed_visit("location / { proxy_pass http://127.0.0.1:1; }", "refused")) is None
