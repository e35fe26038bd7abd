"""An application that takes the connection and then fails."""

from __future__ import annotations

import time

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import upstream_failure
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer

STEP = ("http://shop.test/", Answer(502))
APP = "location / { proxy_pass http://127.0.0.1:1; }"


def test_what_nginx_logs(visit_to, tmp_path):
    at = time.strftime("%Y/%m/%d %H:%M:%S")
    (tmp_path / "error.log").write_text(
        f'{at} [error] 1#1: *1 upstream closed, client: 192.0.2.9, request: "GET / HTTP/1.1", host: "shop.test"\n'
        f'{at} [error] 1#1: *2 of another, client: 192.0.2.9, request: "GET / HTTP/1.1", host: "other.test"\n'
    )
    finding = upstream_failure.explain(visit_to(APP, STEP))
    assert "takes the connection and then fails: nginx's error log says: upstream closed." in finding.cause
    assert finding.remedy == "Read the application's own log."


def test_no_entry(visit_to):
    finding = upstream_failure.explain(visit_to(APP, STEP))
    assert finding.cause.endswith("fails: nginx's error log does not mention it.")
