"""nginx does not listen on a port of its configuration."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import not_listening
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Problem


def test_a_port_that_is_not_open(visit_to, tmp_path):
    finding = not_listening.explain(visit_to("return 200;", ("http://shop.test/", Answer(0, Problem.REFUSED))))
    assert finding.cause == (
        f"nginx runs but does not listen on 127.0.0.1:80, as {tmp_path}/nginx.conf:2 requires: "
        "it has not read this configuration."
    )
    assert finding.remedy == "`nginx -t && systemctl reload nginx`"


def test_an_answer(visit_to):
    assert not_listening.explain(visit_to("return 200;", ("http://shop.test/", Answer(200)))) is None
