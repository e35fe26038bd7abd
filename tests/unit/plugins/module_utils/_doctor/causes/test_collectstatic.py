"""A directory of static files that is absent or empty."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import collectstatic
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service


@pytest.fixture
def explain(visit_to, tmp_path):
    (tmp_path / "static" / "dir").mkdir(parents=True)
    (tmp_path / "static" / "x.css").touch()

    def explain(text, path="/static/x.css", is_target=False):
        return collectstatic.explain(visit_to(text, (f"http://shop.test{path}", Answer(404)), is_target=is_target))

    return explain


@pytest.mark.parametrize(("directory", "state"), [("static/none/", "does not exist"), ("static/dir/", "is empty")])
def test_below_an_alias(explain, tmp_path, directory, state):
    finding = explain(f"location /static/ {{ alias TMP/{directory}; }}")
    assert f"alias {tmp_path}/{directory} ({tmp_path}/nginx.conf:3) {state}: collectstatic" in finding.cause
    assert f'STATIC_ROOT = "{tmp_path}/{directory[:-1]}"' in finding.remedy


def test_below_a_root(explain, tmp_path):
    finding = explain("location /static/none/ { root TMP; }", "/static/none/any")
    where = f"by root {tmp_path} ({tmp_path}/nginx.conf:3)"
    assert f"The directory {tmp_path}/static/none/, {where}, does not exist: collectstatic" in finding.cause
    assert explain("location /static/ { root TMP; }", "/static/none.css") is None


def test_an_app_collects_at_its_deploy(explain):
    finding = explain("location /static/ { alias /srv/nosuchapp/current/static/; }")
    assert finding.remedy.startswith("Deploy nosuchapp again, which collects its static files")


def test_an_app_may_have_no_static_files(explain, monkeypatch):
    monkeypatch.setattr(collectstatic.untrusted, "is_directory", lambda path: True)
    text = "location /static/ { alias /srv/nosuchapp/current/static/; }"
    assert explain(text) is None
    assert "is empty" in explain(text, is_target=True).cause


def test_uploads_may_be_absent(explain):
    assert explain("location /media/ { alias TMP/empty/; }", "/media/x") is None


def test_the_project_of_a_service_by_hand(explain, tmp_path, monkeypatch):
    (tmp_path / "manage.py").touch()
    (tmp_path / "python").touch()
    service = Service("x.service", user="deploy", directory=str(tmp_path), argv=(f"{tmp_path}/gunicorn",))
    monkeypatch.setattr(collectstatic, "service_of", lambda host, server: service)
    finding = explain("location /static/ { alias TMP/static/none/; }")
    assert finding.remedy == f"`{service.command(f'{tmp_path}/python', 'manage.py', 'collectstatic', '--noinput')}`"
