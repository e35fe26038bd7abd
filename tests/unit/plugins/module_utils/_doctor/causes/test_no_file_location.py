"""A path that nginx passes to the application, which does not have it."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import no_file_location
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

TEXT = "location / { proxy_pass http://127.0.0.1:1; }"
STEP = ("http://shop.test/statik/x.css?token=hidden", Answer(404))


def test_a_page_that_the_application_does_not_have(visit_to, tmp_path):
    finding = no_file_location.explain(visit_to(TEXT, STEP))
    assert finding.cause.startswith(
        "nginx passes /statik/x.css to the application behind http://127.0.0.1:1 "
        f"(location /, {tmp_path}/nginx.conf:3), which answers 404: "
    )


def test_a_page_that_the_operator_does_not_name(visit_to):
    assert no_file_location.explain(visit_to(TEXT, STEP, is_target=False)) is None
