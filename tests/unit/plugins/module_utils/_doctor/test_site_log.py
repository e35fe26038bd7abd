"""nginx's lines about a site."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import site_log
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.served import ServedSite


@pytest.fixture
def site(tmp_path):
    logs = str(tmp_path / "shop.access.log"), str(tmp_path / "error.log")
    return ServedSite("shop", "shop.test", ("shop.test", "www.shop.test"), "", None, *logs)


def request(moment, uri):
    entry = {"time": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(moment)), "host": "shop.test", "uri": uri}
    return json.dumps(entry | {"remote_addr": "::1", "method": "GET", "status": 200, "bytes": 5, "request_time": 0.1})


def test_requests_since_then_also_of_the_rotated_log(site, tmp_path):
    now = int(time.time())
    (tmp_path / "shop.access.log.1").write_text(f"{request(now - 90, '/old')}\n{request(now - 30, '/rotated')}\n")
    combined = time.strftime("[%d/%b/%Y:%H:%M:%S +0000]", time.gmtime(now - 5))
    lines = [request(now - 20, "/a"), "broken", f'::1 - - {combined} "GET /b"', request(now, "/c"), "[]", '{"time": 1}']
    (tmp_path / "shop.access.log").write_text("\n".join(lines))
    found = [line.text for line in site_log.access_lines(site, now - 60, 10)]
    assert found[0] == "200 ::1 GET shop.test/rotated 5 bytes in 0.1 s"
    assert [text.split()[-1] for text in found[2:3]] == ['/b"']
    assert len(found) == 4
    assert len(site_log.access_lines(site, now - 60, 2)) == 2


def test_errors_of_the_site_only(site, tmp_path):
    moment = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime())
    template = '{} [error] 7#7: *1 open() "/x" failed, client: ::1, server: {}, request: "GET / HTTP/1.1", host: "{}"'
    lines = [template.format(moment, *names) for names in (("shop.test", "a"), ("b", "www.shop.test"), ("b", "b"))]
    lines += [f"{moment} [emerg] 7#7: bind() failed", "9999/99/99 00:00:00 [error] 7#7: x, server: shop.test", "x"]
    (tmp_path / "error.log").write_text("\n".join(lines))
    found = site_log.error_lines(site, time.time() - 60, 10)
    assert [line.text.partition(", client")[0] for line in found] == ['[error] open() "/x" failed'] * 2
    assert site_log.error_lines(site, time.time() + 60, 10) == []


def test_a_visitor_of_another_site_writes_no_line_of_this_one(site, tmp_path):
    moment = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime())
    line = f'{moment} [error] 7#7: *1 x, client: ::1, server: b, request: "GET / HTTP/1.1", host: "%s", referrer: "%s"'
    forged = 'a", client: ::1, host: "shop.test'
    lines = [line % ("b", 'a", host: "shop.test'), line % ("shop.test", 'a", host: "b'), line % ("shop.test", forged)]
    (tmp_path / "error.log").write_text("\n".join(lines))
    found = site_log.error_lines(site, time.time() - 60, 10)
    assert [line.text.partition(", host: ")[2] for line in found] == [
        '"shop.test", referrer: "a", host: "b"',
        f'"shop.test", referrer: "{forged}"',
    ]


def test_a_site_without_logs():
    nothing = ServedSite("shop", "shop.test", (), "", None, "", "")
    assert site_log.access_lines(nothing, 0, 10) + site_log.error_lines(nothing, 0, 10) == []
