"""nginx itself answers with 500 or above."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import nginx_error
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer


def test_maintenance(visit_to, tmp_path):
    text = "location / { proxy_pass http://127.0.0.1:1; }\nlocation /closed/ { return 503; }"
    finding = nginx_error.explain(visit_to(text, ("http://shop.test/closed/?token=hidden", Answer(503))))
    assert finding.cause == (
        f"nginx itself answers 503 to /closed/ by 'return 503' ({tmp_path}/nginx.conf:4), without the application."
    )
    assert "'maintenance: false'" in finding.remedy
    assert nginx_error.explain(visit_to(text, ("http://shop.test/", Answer(503)))) is None


def test_another_error(visit_to, tmp_path):
    finding = nginx_error.explain(visit_to("location / { root /srv; }", ("http://shop.test/x", Answer(500))))
    assert finding.cause.startswith(f"nginx itself answers 500 to /x ({tmp_path}/nginx.conf:3)")
    assert finding.remedy == f"Correct {tmp_path}/nginx.conf:3."
