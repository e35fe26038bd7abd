"""An alias that lacks the slash at its end."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import alias_slash
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer


@pytest.fixture
def explain(visit_to, tmp_path):
    (tmp_path / "static").mkdir()
    step = "http://shop.test/static/x.css", Answer(404)
    return lambda text: alias_slash.explain(visit_to(text, step, is_target=False))


def test_an_alias_without_its_slash(explain, tmp_path):
    finding = explain("location /static/ { alias TMP/static; }")
    assert finding.cause == (
        "The alias of location /static/ lacks its last slash: for /static/x.css nginx looks for "
        f"{tmp_path}/staticx.css."
    )
    assert f"'alias {tmp_path}/static/;' in {tmp_path}/nginx.conf:3" in finding.remedy


@pytest.mark.parametrize(
    "text",
    [
        "location /static/ { alias TMP/static/; }",
        "location /static { alias TMP/static; }",
        "location /static/ { alias TMP/none; }",
        "location /static/ { root TMP; }",
    ],
)
def test_an_alias_that_is_right(explain, text):
    assert explain(text) is None
