"""A page that begins and does not end."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import explain
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

URL = "http://shop.test/page"
PROXY = "location / { proxy_pass http://127.0.0.1:1; }"


def test_the_time_and_what_arrived(visit_to, tmp_path):
    answer = Answer(200, body="<p>", is_unfinished=True, began=100.0, ended=120.0)
    finding = explain(visit_to(PROXY, (URL, answer)))
    assert finding.cause == (
        "The application behind http://127.0.0.1:1 answers 200 to /page, but the page did not end within 20 seconds, "
        f"the doctor's limit for a site; 3 bytes arrived ({tmp_path}/nginx.conf:3)."
    )
    assert explain(visit_to("return 200;", (URL, answer))).cause.startswith("Nginx answers 200")


def test_a_page_that_ends(visit_to):
    assert explain(visit_to(PROXY, (URL, Answer(200)))) is None
