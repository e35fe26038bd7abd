"""A path that is a directory."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import directory_request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

STEP = ("http://shop.test/media/", Answer(403))
TEXT = "location /media/ { alias TMP/media/; }"


def test_a_directory(visit_to, tmp_path):
    (tmp_path / "media").mkdir()
    finding = directory_request.explain(visit_to(TEXT, STEP))
    assert finding.cause == f"/media/ is the directory {tmp_path}/media/, which nginx does not list."
    assert directory_request.explain(visit_to(TEXT, STEP, is_target=False)) is None


def test_no_directory(visit_to):
    assert directory_request.explain(visit_to(TEXT, STEP)) is None
