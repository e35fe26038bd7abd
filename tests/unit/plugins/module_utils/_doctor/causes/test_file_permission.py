"""A permission that keeps nginx from a file."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import file_permission
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

STEP = ("http://shop.test/static/x.css", Answer(403))


def test_a_file_that_nginx_cannot_read(visit_to, tmp_path):
    (tmp_path / "static").mkdir()
    path = tmp_path / "static" / "x.css"
    path.touch(0o600)
    visit = visit_to("location /static/ { alias TMP/static/; }", STEP, outputs=[(f"test -r {path}", "", 1)])
    finding = file_permission.explain(visit)
    assert finding.cause.startswith(f"nginx cannot send {path}: the file {path} (mode 0600 ")
    assert finding.remedy.startswith("`chmod ")


def test_a_file_that_nginx_can_read(visit_to):
    assert file_permission.explain(visit_to("location /static/ { alias TMP/static/; }", STEP)) is None


def test_a_file_that_nginx_does_not_look_for(visit_to):
    """Which file it is depends on a variable, or a directive refuses the request."""
    assert file_permission.explain(visit_to("location ~ ^/(.+)$ { alias /srv/users/$1; }", STEP)) is None
    assert file_permission.explain(visit_to("location / { deny all; root /srv; }", STEP)) is None
