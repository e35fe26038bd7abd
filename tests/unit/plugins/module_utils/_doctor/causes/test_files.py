"""Why nginx does not send a file."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import files
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Request
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import location_for


@pytest.fixture
def explain(doctor_host, tmp_path):
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "x.css").touch()
    (tmp_path / "empty").mkdir()

    def explain(text, path="/static/x.css", asked_for=True, status=404):
        host = doctor_host(f"server {{\n{text.replace('TMP', str(tmp_path))}\n}}")
        location = location_for(host.tree.own("http").own("server"), path)
        request = Request("shop.test", "shop.test", "127.0.0.1", "80", False, path)
        return files.explain(host, request, location, status, asked_for=asked_for)

    return explain


def test_an_alias_without_its_slash(explain, tmp_path):
    (finding,) = explain("location /static/ { alias TMP/static; }", asked_for=False)
    assert finding.cause == (
        "The alias of location /static/ lacks its last slash: for /static/x.css nginx looks for "
        f"{tmp_path}/staticx.css."
    )
    assert f"'alias {tmp_path}/static/;' in {tmp_path}/nginx.conf:3" in finding.remedy


@pytest.mark.parametrize(("directory", "said"), [("static/none/", "is not there"), ("static/dir/", "is empty")])
def test_collectstatic(explain, tmp_path, directory, said):
    (tmp_path / "static" / "dir").mkdir()
    (finding,) = explain(f"location /static/ {{ alias TMP/{directory}; }}", asked_for=False)
    assert f"alias {tmp_path}/{directory} ({tmp_path}/nginx.conf:3) {said}: collectstatic" in finding.cause
    assert f'STATIC_ROOT = "{tmp_path}/{directory[:-1]}"' in finding.remedy


def test_collectstatic_below_a_root(explain, tmp_path):
    (finding,) = explain("location /static/none/ { root TMP; }", "/static/none/any", asked_for=False)
    where = f"by root {tmp_path} ({tmp_path}/nginx.conf:3)"
    assert f"The directory {tmp_path}/static/none/, {where}, is not there: collectstatic" in finding.cause
    assert explain("location /static/ { root TMP; }", "/static/none.css", asked_for=False) == []


def test_uploads_need_not_be_there(explain):
    assert explain("location /media/ { alias TMP/empty/; }", "/media/x", asked_for=False) == []


def test_an_app_without_a_release_has_no_files_either(explain, monkeypatch):
    known = Finding("shop.test", "no release", "deploy")
    monkeypatch.setattr(files.apps, "explain", lambda run, site, app: known)
    assert explain("location /static/ { alias /srv/nosuchapp/current/static/; }") == [known]


def test_a_permission_on_the_way(explain, monkeypatch, tmp_path):
    monkeypatch.setattr(files.permissions, "blocked", lambda host, path, need: (f"{need} {path}", "chmod"))
    (finding,) = explain("location /static/ { alias TMP/static/; }", status=403)
    assert finding.cause == f"nginx cannot send {tmp_path}/static/x.css: r {tmp_path}/static/x.css."
    assert finding.remedy == "chmod"


@pytest.mark.parametrize(
    ("text", "path", "looked"),
    [
        ("location /static/ { alias TMP/static/; }", "/static/none.css", "static/none.css"),
        ("location /a/b/ { root TMP; }", "/a/b/none.css", "a/b/none.css"),
        ("root TMP/; location /a/ { }", "/a/none.css", "a/none.css"),
    ],
)
def test_where_nginx_looks_for_a_file(explain, tmp_path, text, path, looked):
    (tmp_path / "a").mkdir()
    (finding,) = explain(text, path)
    assert finding.cause.startswith(f"There is no file {tmp_path}/{looked}, which is where nginx looks for {path}, by ")
    assert explain(text, path, asked_for=False) == []


def test_a_regular_expression_takes_it_away(explain, tmp_path):
    text = "location /static/ { alias TMP/static/; }\nlocation ~ css$ { root TMP; expires 1d; }"
    (finding,) = explain(text, "/static/y.css")
    assert "location ~ css$" in finding.cause
    assert f"nginx.conf:4) takes it from location /static/ ({tmp_path}/nginx.conf:3)" in finding.cause
    assert "'location ^~ /static/'" in finding.remedy


@pytest.mark.parametrize("directive", ["return 404", "internal", "deny all"])
def test_what_nginx_is_told_to_refuse(explain, tmp_path, directive):
    text = f"location /static/ {{ {directive}; alias TMP/static/; }}"
    (finding,) = explain(text)
    assert f"nginx itself answers 404 to /static/x.css: location /static/ has '{directive}'" in finding.cause
    assert explain(text, asked_for=False) == []


def test_a_directory(explain):
    (finding,) = explain("location /static/ { alias TMP/static/; }", "/static/", status=403)
    assert "which nginx does not list" in finding.cause


def test_what_depends_on_the_request_is_not_guessed(explain):
    assert explain("location ~ ^/u/(.+)$ { alias /srv/users/$1; }", "/u/x") == []


LINKS = "location /static/ { alias TMP/static/; disable_symlinks on from=TMP; }"


@pytest.mark.parametrize(("target", "path"), [("x.css", "link"), (".", "link/x.css"), ("/etc", "link/passwd")])
def test_a_link_that_nginx_does_not_follow(explain, tmp_path, target, path):
    (tmp_path / "static" / "link").symlink_to(target)
    (finding,) = explain(LINKS, f"/static/{path}", status=403)
    assert finding.cause.startswith(f"nginx does not follow the symbolic link '{tmp_path}/static/link' to '{target}', ")
    assert f"because of 'disable_symlinks on from={tmp_path}' ({tmp_path}/nginx.conf:3)." in finding.cause
    assert "set 'symlinks: follow'" in finding.remedy


@pytest.mark.parametrize("rule", ["", "disable_symlinks off;", "disable_symlinks on from=TMP/static/link;"])
def test_a_link_that_nginx_follows(explain, tmp_path, rule):
    (tmp_path / "static" / "link").symlink_to("/etc")
    assert explain(f"location /static/ {{ alias TMP/static/; {rule} }}", "/static/link/passwd") == []
