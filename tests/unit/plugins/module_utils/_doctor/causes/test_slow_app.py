"""An application that does not answer in time."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import slow_app
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer, Problem

URL = "http://shop.test/page?token=hidden"


@pytest.mark.parametrize("answer", [Answer(504), Answer(0, Problem.TIMEOUT)])
def test_the_limit(visit_to, tmp_path, answer):
    finding = slow_app.explain(
        visit_to("location / { proxy_read_timeout 5s;\nproxy_pass http://127.0.0.1:1; }", (URL, answer))
    )
    assert finding.cause == (
        "The application behind http://127.0.0.1:1 takes the connection and does not answer /page within "
        f"proxy_read_timeout 5s ({tmp_path}/nginx.conf:3)."
    )
    assert finding.remedy.endswith(f"raise proxy_read_timeout in {tmp_path}/nginx.conf.")


@pytest.mark.parametrize("server", ["proxy", "uwsgi", "fastcgi"])
def test_the_default_limit(visit_to, server):
    finding = slow_app.explain(visit_to(f"location / {{ {server}_pass 127.0.0.1:1; }}", (URL, Answer(504))))
    assert f"{server}_read_timeout 60s (nginx's default)" in finding.cause


def test_the_remedy_for_a_site_of_gatehouse_is_in_the_inventory(visit_to, tmp_path):
    (tmp_path / "gatehouse").mkdir()
    site = "server { server_name shop.test; location / { proxy_pass http://127.0.0.1:1; } }"
    (tmp_path / "gatehouse" / "shop.conf").write_text(site)
    finding = slow_app.explain(visit_to("", (URL, Answer(504)), file="include gatehouse/*.conf;"))
    assert finding.remedy.endswith("raise proxy_read_timeout of the site in django_sites.")


def test_another_answer(visit_to):
    assert slow_app.explain(visit_to("location / { proxy_pass http://127.0.0.1:1; }", (URL, Answer(502)))) is None
