"""From an answer to its cause."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import answers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer, Request

SITE = """server {
    server_name shop.test;
    location / { proxy_pass http://app; %s }
    location /static/ { alias /srv/static/; }
    location /closed/ { return 503; }
}
server { server_name silent.test; return 444; }
"""


@pytest.fixture
def explain(doctor_host, monkeypatch):
    monkeypatch.setattr(answers.upstream, "explain", lambda *given: ["upstream"])
    monkeypatch.setattr(answers.upstream, "failed", lambda *given: "failed")
    monkeypatch.setattr(answers.files, "explain", lambda *given, asked_for: ["file"])

    def explain(answer, path="/", name="shop.test", more="", asked_for=True):
        request = Request(name, name, "127.0.0.1", "80", False, path)
        host = doctor_host(SITE % more)
        return answers.explain(host, [(request, answer)], asked_for=asked_for, since=0.0)

    return explain


@pytest.mark.parametrize("status", [200, 204, 302, 304, 401, 405])
def test_what_is_well(explain, status):
    assert explain(Answer(status)) == []


@pytest.mark.parametrize(
    ("answer", "path", "expected"),
    [
        (Answer(502), "/", ["upstream"]),
        (Answer(504), "/", ["upstream"]),
        (Answer(0, "timeout"), "/", ["upstream"]),
        (Answer(0, "hopeless"), "/", ["upstream"]),
        (Answer(500), "/", ["failed"]),
        (Answer(503), "/", ["failed"]),
        (Answer(404), "/static/x.css", ["file"]),
        (Answer(403), "/static/x.css", ["file"]),
    ],
)
def test_who_explains_it(explain, answer, path, expected):
    assert explain(answer, path) == expected


def test_a_page_that_the_application_does_not_have(explain):
    (finding,) = explain(Answer(404), "/statik/x.css?token=hidden")
    assert "nginx hands /statik/x.css to the application (location /, " in finding.cause
    assert explain(Answer(404), asked_for=False) == []


def test_the_host_that_nginx_sends(explain, tmp_path):
    (finding,) = explain(Answer(400))
    assert f"without a 'proxy_set_header Host' in {tmp_path}/nginx.conf:4" in finding.cause
    (finding,) = explain(Answer(400), more="proxy_set_header Host $host;")
    assert "answers 400 to the Host shop.test" in finding.cause
    assert 'ALLOWED_HOSTS = ["shop.test"]' in finding.remedy


def test_what_nginx_refuses_before_it_asks_the_application(explain):
    assert explain(Answer(400), more="} ssl_verify_client on; location /x {") == []
    (finding,) = explain(Answer(403), more="deny all;")
    assert "nginx itself answers 403 to /: 'deny all'" in finding.cause
    (finding,) = explain(Answer(403))
    assert "which answers 403" in finding.cause


def test_maintenance(explain, tmp_path):
    (finding,) = explain(Answer(503), "/closed/")
    assert finding.cause == (
        f"nginx itself answers 503 to /closed/ by 'return 503' ({tmp_path}/nginx.conf:6), and asks no application."
    )


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("shop.test", "refused", "nothing listens on 127.0.0.1:80, which"),
        ("silent.test", "closed: x", "'return 444'"),
        ("shop.test", "closed: Connection reset", "closes the connection without an answer"),
        ("shop.test", "tls: WRONG_VERSION_NUMBER", "refuses the handshake"),
    ],
)
def test_no_answer(explain, name, error, said):
    assert said in explain(Answer(0, error), name=name)[0].cause
