"""Directories that a hand-made site publishes although they hold code or a database."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import published_secrets
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

ALIAS = "location /files/ { alias TMP/; }"


@pytest.fixture
def check(doctor_host, monkeypatch, tmp_path):
    """check(text of the server, status): the causes, where nginx answers with this status to each request."""
    (tmp_path / "manage.py").touch()
    asked = []

    def ask(request, cookies, seconds, *, method):
        asked.append((method, request.path))
        return Answer(check.status)

    def check(text, status=200):
        check.status = status
        host = doctor_host(f"server {{ server_name shop.test; {text.replace('TMP', str(tmp_path))} }}")
        return [one.cause for one in published_secrets.check_published(host, lambda server: True)]

    monkeypatch.setattr(published_secrets, "ask", ask)
    check.asked = asked
    return check


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (ALIAS, "/files/manage.py"),
        ("root TMP;", "/manage.py"),
        ("root TMP; location / { try_files $uri =404; }", "/manage.py"),
    ],
)
def test_a_file_that_nginx_sends(check, tmp_path, text, path):
    (cause,) = check(text)
    assert cause.startswith(f"Any visitor can download {tmp_path}/manage.py: nginx answers 200 to {path} (")
    assert check.asked == [("HEAD", path)]


def test_a_file_that_nginx_does_not_send(check):
    assert check(ALIAS, status=404) == []
    assert check("location /files/ { internal; alias TMP/; }") == []
    assert check("location /files/ { deny all; alias TMP/; }") == []
