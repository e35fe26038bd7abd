"""413, as nginx's error log shows it."""

from __future__ import annotations

import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import log
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.upload import check_uploads

SITE = """
server {
    server_name shop.test;
    location /upload/ { proxy_pass http://a; client_max_body_size 1k; }
    location /any/ { proxy_pass http://a; client_max_body_size 0; }
    location /static/ { alias /srv/static/; }
}
server { server_name other.test; location / { proxy_pass http://a; } }
"""
TOO_LARGE = "client intended to send too large body: {} bytes"


def line(text, path="/upload/x?token=hidden", host="shop.test", age=10):
    at = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(time.time() - age))
    request = f'client: 192.0.2.9, server: shop.test, request: "POST {path} HTTP/1.1", host: "{host}"'
    return f"{at} [error] 12#12: *3 {text}, {request}\n"


@pytest.fixture
def findings(doctor_host, tmp_path):
    def findings(*lines, text=SITE, is_meant=lambda server: True):
        (tmp_path / "error.log").write_text("".join(lines))
        return check_uploads(doctor_host(text), is_meant)

    return findings


def test_the_largest_body_for_each_limit(findings, tmp_path):
    (finding,) = findings(*(line(TOO_LARGE.format(size)) for size in (2000, 5000, 3000)))
    assert finding.site == "shop.test"
    assert "nginx refused POST /upload/x with 413 in the last hour: it claims a body of 5000 bytes" in finding.cause
    assert f"client_max_body_size is 1024 ({tmp_path}/nginx.conf:5)" in finding.cause
    assert finding.remedy.endswith(f"'client_max_body_size 1m;' in {tmp_path}/nginx.conf:5.")


def test_a_size_that_a_visitor_only_claims(findings):
    """It is no value to write, and hides no upload that is meant."""
    absurd = line(TOO_LARGE.format(9000000000000000))
    (finding,) = findings(absurd)
    assert "it claims a body of 9000000000000000 bytes" in finding.cause
    assert finding.remedy == (
        "Raise the limit only if visitors are meant to send bodies of that size: any visitor can claim it."
    )
    (finding,) = findings(absurd, line(TOO_LARGE.format(5000)), absurd)
    assert "'client_max_body_size 1m;'" in finding.remedy


def test_a_body_in_chunks_and_the_default_limit(findings, tmp_path):
    text = "client intended to send too large chunked body: 1048000+4096 bytes"
    (finding,) = findings(line(text, "/x", "other.test:80"))
    assert "1052096 bytes" in finding.cause
    assert "is 1048576 (nginx's default)" in finding.cause
    assert finding.remedy.endswith(f"'client_max_body_size 2m;' in {tmp_path}/nginx.conf:9.")


@pytest.mark.parametrize(
    "written",
    [
        line(TOO_LARGE.format(1000)),  # the limit is higher now
        line(TOO_LARGE.format(5000), path="/any/x"),
        line(TOO_LARGE.format(5000000), path="/static/x"),  # no application would get it
        line(TOO_LARGE.format(5000), host="gone.test"),
        line(TOO_LARGE.format(5000), age=4000),
        line("open() failed"),
    ],
)
def test_entries_that_are_no_cause(findings, written):
    assert findings(written) == []


def test_only_the_site_that_the_operator_names(findings):
    assert findings(line(TOO_LARGE.format(5000)), is_meant=lambda server: False) == []


def test_the_remedy_for_a_site_of_gatehouse_is_in_the_inventory(findings, tmp_path):
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "shop.conf").write_text(SITE)
    (finding,) = findings(line(TOO_LARGE.format(5000)), text="include gatehouse/*.conf;")
    assert "`client_max_body_size: 1m` below `paths['/upload/']` in the entry of the site in" in finding.remedy
    (finding,) = findings(line(TOO_LARGE.format(5000000), "/x", "other.test"), text="include gatehouse/*.conf;")
    assert "`client_max_body_size: 5m` in the entry of the site in django_sites" in finding.remedy


def test_the_log_of_many_sites_is_read_once(findings, monkeypatch):
    paths, read = [], log.untrusted.read
    monkeypatch.setattr(
        log.untrusted,
        "read",
        lambda path, *more, **options: (
            paths.append(path) if path.endswith("error.log") else None,
            read(path, *more, **options),
        )[1],
    )
    text = "".join(
        f"server {{ server_name s{number}.test; location / {{ proxy_pass http://a; client_max_body_size 1k; }} }}\n"
        for number in range(50)
    )
    found = findings(*(line(TOO_LARGE.format(5000), host=f"s{number}.test") for number in range(0, 50, 7)), text=text)
    assert [finding.site for finding in found] == [f"s{number}.test" for number in range(0, 50, 7)]
    assert len(paths) == 1
