"""A file that does not exist where nginx looks for it."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import missing_file
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer


@pytest.fixture
def explain(visit_to, tmp_path):
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "x.css").touch()

    def explain(text, path="/static/none.css", is_target=True):
        return missing_file.explain(visit_to(text, (f"http://shop.test{path}", Answer(404)), is_target=is_target))

    return explain


@pytest.mark.parametrize(
    ("text", "path", "file"),
    [
        ("location /static/ { alias TMP/static/; }", "/static/none.css", "static/none.css"),
        ("location /a/b/ { root TMP; }", "/a/b/none.css", "a/b/none.css"),
        ("root TMP/; location /a/ { }", "/a/none.css", "a/none.css"),
    ],
)
def test_where_nginx_looks_for_a_file(explain, tmp_path, text, path, file):
    finding = explain(text, path)
    assert finding.cause.startswith(f"There is no file {tmp_path}/{file}, which is where nginx looks for {path}, by ")
    assert explain(text, path, is_target=False) is None


def test_a_file_that_exists(explain):
    assert explain("location /static/ { alias TMP/static/; }", "/static/x.css") is None


def test_a_file_of_an_app(explain):
    finding = explain("location /static/ { alias /srv/shop/current/static/; }")
    assert finding.remedy.startswith("If shop has this file, deploy it again")
    assert "{% static %}" in finding.remedy


def test_a_regular_expression_takes_it_from_its_location(explain, tmp_path):
    text = "location /static/ { alias TMP/static/; }\nlocation ~ css$ { root TMP; expires 1d; }"
    finding = explain(text, "/static/y.css")
    assert "location ~ css$" in finding.cause
    assert f"nginx.conf:4) takes it from location /static/ ({tmp_path}/nginx.conf:3)" in finding.cause
    assert "'location ^~ /static/'" in finding.remedy
