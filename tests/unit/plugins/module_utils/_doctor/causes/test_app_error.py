"""An application that answers with an error of its own."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import app_error
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer

URL = "http://shop.test/page?token=hidden"


def test_the_error_of_an_app(visit_to, release):
    text = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; }"
    outputs = [("journalctl _SYSTEMD_UNIT=shop-web@1.service", "KeyError: 'x'\n")]
    finding = app_error.explain(visit_to(text, (URL, Answer(500)), outputs=outputs))
    assert finding.cause == "The app shop itself answers 500 to /page. Last line of its journal: KeyError: 'x'"
    assert finding.remedy == "Read `journalctl -n 50 -u 'shop-web@*'`."


@pytest.mark.parametrize(("status", "is_own"), [(500, True), (503, True), (502, False), (504, False), (404, False)])
def test_the_error_of_another_application(visit_to, status, is_own):
    visit = visit_to("location / { proxy_pass http://127.0.0.1:1; }", (URL, Answer(status)))
    finding = app_error.explain(visit)
    assert bool(finding) == is_own
    if finding:
        assert finding.cause == f"The application behind http://127.0.0.1:1 itself answers {status} to /page."
