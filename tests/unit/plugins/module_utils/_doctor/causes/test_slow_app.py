"""An application that does not answer in time."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import slow_app
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Problem

URL = "http://shop.test/page?token=hidden"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(504), "does not answer /page within proxy_read_timeout 5s (FILE:3)."),
        (
            Answer(0, Problem.TIMEOUT, began=7.0, ended=27.0),
            "but the page /page did not end within 20 seconds, the doctor's limit for a site; nginx waits for each "
            "part of it up to proxy_read_timeout 5s (FILE:3).",
        ),
    ],
)
def test_the_limit(visit_to, tmp_path, answer, words):
    finding = slow_app.explain(
        visit_to("location / { proxy_read_timeout 5s;\nproxy_pass http://127.0.0.1:1; }", (URL, answer))
    )
    assert finding.cause.startswith("The application behind http://127.0.0.1:1 takes the connection")
    assert finding.cause.endswith(words.replace("FILE", f"{tmp_path}/nginx.conf"))
    assert finding.remedy.endswith(f"write 'proxy_read_timeout SECONDS;' in {tmp_path}/nginx.conf:3.")


@pytest.mark.parametrize("server", ["proxy", "uwsgi", "fastcgi"])
def test_the_default_limit(visit_to, server):
    finding = slow_app.explain(visit_to(f"location / {{ {server}_pass 127.0.0.1:1; }}", (URL, Answer(504))))
    assert f"{server}_read_timeout 60s (nginx's default)" in finding.cause


def test_the_remedy_for_a_site_of_gatehouse_is_in_the_inventory(visit_to, tmp_path):
    (tmp_path / "gatehouse/sites").mkdir(parents=True)
    site = "server { server_name shop.test; location / { proxy_pass http://127.0.0.1:1; } }"
    (tmp_path / "gatehouse/sites/shop.conf").write_text(site)
    finding = slow_app.explain(visit_to("", (URL, Answer(504)), file="include gatehouse/sites/*.conf;"))
    assert "`proxy_read_timeout: SECONDS` in the entry of the site shop in django_sites" in finding.remedy
    site = site.replace("location / {", "location = /page { proxy_read_timeout 5s;")
    (tmp_path / "gatehouse/sites/shop.conf").write_text(site)
    finding = slow_app.explain(visit_to("", (URL, Answer(504)), file="include gatehouse/sites/*.conf;"))
    assert "`proxy_read_timeout: SECONDS` below `paths['/page']` in the entry" in finding.remedy


def test_an_address_that_takes_no_connection(failed_visit):
    text = "location / { proxy_pass http://127.0.0.1:1; }"
    words = "upstream timed out (110: Connection timed out) while connecting to upstream"
    finding = slow_app.explain(failed_visit(text, words, status=504))
    assert "does not take a connection within proxy_connect_timeout 60s (nginx's default)" in finding.cause
    assert finding.remedy.startswith("Nothing answers at http://127.0.0.1:1/: correct the address")


def test_an_application_that_itself_answers_504(failed_visit):
    text = "location / { proxy_pass http://127.0.0.1:1; }"
    assert slow_app.explain(failed_visit(text, status=504, page="Gateway of my own")) is None


def test_another_answer(visit_to):
    assert slow_app.explain(visit_to("location / { proxy_pass http://127.0.0.1:1; }", (URL, Answer(502)))) is None
