"""An answer whose header is larger than nginx's buffer."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import big_header

APP = "location / { proxy_pass http://127.0.0.1:1; }"
WORDS = "upstream sent too big header while reading response header from upstream"
HEADER = json.dumps({"status": "HTTP/1.1 200 OK", "size": 17793, "cookies": {"a": 3000, "session": 14000}})


def test_the_size_and_the_cookies(failed_visit, tmp_path):
    finding = big_header.explain(failed_visit(APP, WORDS, outputs=[("timeout setpriv", HEADER)]))
    assert "larger than proxy_buffer_size, which is 4k or 8k, nginx's default" in finding.cause
    assert "has 17793 bytes, of which 17000 are 2 cookies: session (14000 bytes), a (3000 bytes)." in finding.cause
    lines = "proxy_buffer_size 32k; proxy_buffers 8 32k; proxy_busy_buffers_size 64k;"
    assert finding.remedy.startswith(f"Write '{lines}' in {tmp_path}/nginx.conf:3")


@pytest.mark.parametrize("answer", ["", "nonsense", "[]", "{}"])
def test_an_application_that_does_not_answer_again(failed_visit, answer):
    finding = big_header.explain(failed_visit(APP, WORDS, outputs=[("timeout setpriv", answer)]))
    assert finding.cause.endswith("'upstream sent too big header'.")
    assert "proxy_buffer_size 16k;" in finding.remedy


@pytest.mark.parametrize(
    ("cookies", "remedy"),
    [
        (
            {"a": 20000, "b": 20000},
            "fewer or shorter cookies: browsers send them back in one header, of which nginx takes no ",
        ),
        (
            {"a": 3, "sessionid": 39000},
            "write `SESSION_ENGINE: django.contrib.sessions.backends.db` in settings of the app shop in django_apps.",
        ),
        ({}, "Let the application send shorter headers."),
    ],
)
def test_a_generated_file_is_not_edited(failed_visit, tmp_path, cookies, remedy):
    """A larger buffer would not help: nginx refuses the next request, which brings the cookies back."""
    (tmp_path / "gatehouse/sites").mkdir(parents=True)
    app = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; proxy_buffer_size 32k; }"
    (tmp_path / "gatehouse/sites/shop.conf").write_text(f"server {{ server_name shop.test; {app} }}")
    header = json.dumps({"status": "HTTP/1.1 200 OK", "size": 40000, "cookies": cookies})
    text = "large_client_header_buffers 4 32k; include gatehouse/sites/*.conf;"
    finding = big_header.explain(failed_visit("", WORDS, file=text, outputs=[("timeout setpriv", header)]))
    assert remedy in finding.remedy
    assert "nginx.conf" not in finding.remedy


def test_another_error(failed_visit):
    assert big_header.explain(failed_visit(APP, "connect() failed (111: Connection refused)")) is None
