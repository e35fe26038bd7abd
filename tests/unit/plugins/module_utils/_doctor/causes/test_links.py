"""A symbolic link on the way to a file, where nginx follows none."""

from __future__ import annotations

import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import links
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Request
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import location_for


@pytest.fixture
def explain(doctor_host, tmp_path):
    (tmp_path / "media" / "sub").mkdir(parents=True)
    (tmp_path / "media" / "sub" / "x").touch()
    (tmp_path / "media" / "dir").symlink_to("/srv/other")
    (tmp_path / "media" / "leak").symlink_to("/etc/passwd")

    def explain(text, path, log=""):
        at = time.strftime("%Y/%m/%d %H:%M:%S")
        (tmp_path / "error.log").write_text(f"{at} [error] 1#1: *1 {log}\n")
        host = doctor_host(f"server {{\n{text.replace('TMP', str(tmp_path))}\n}}")
        location = location_for(host.tree.own("http").own("server"), path)
        request = Request("shop.test", "shop.test", "127.0.0.1", "80", False, path)
        return links.explain(host, request, location, time.time())

    return explain


MEDIA = "location /media/ { alias TMP/media/; disable_symlinks on from=TMP/media/; }"


@pytest.mark.parametrize(
    ("path", "link", "target"),
    [("leak", "leak", "/etc/passwd"), ("dir/a", "dir", "/srv/other"), ("./dir/a", "dir", "/srv/other")],
)
def test_a_link(explain, tmp_path, path, link, target):
    finding = explain(MEDIA, f"/media/{path}")
    assert f"{tmp_path}/media/{link} is a symbolic link to {target}, and nginx follows none there" in finding.cause
    assert f"(disable_symlinks on from={tmp_path}/media/, {tmp_path}/nginx.conf:3)" in finding.cause
    assert f"'{target} {tmp_path}/media/{link} none bind 0 0' in /etc/fstab" in finding.remedy


def test_no_link(explain):
    assert explain(MEDIA, "/media/sub/x") is None
    assert explain(MEDIA, "/media/none") is None
    # nginx follows it: something else is wrong.
    assert explain("location /media/ { alias TMP/media/; }", "/media/leak") is None
    assert explain("location /media/ { alias TMP/media/; disable_symlinks off; }", "/media/leak") is None


def test_a_part_that_nginx_follows(explain, tmp_path):
    (tmp_path / "current").symlink_to("media")
    text = MEDIA.replace("TMP/media/", "TMP/current/")
    assert explain(text, "/media/sub/x") is None
    assert explain(text, "/media/leak").cause.startswith(f"nginx does not send {tmp_path}/current/leak")


@pytest.mark.parametrize("number", [40, 20])
def test_a_file_that_the_app_has_named(explain, tmp_path, number):
    (tmp_path / "media").chmod(0o777)
    said = f'openat() "{tmp_path}/media/dir/a" failed ({number}: Too many), client: 1, host: "shop.test"'
    finding = explain("location / { proxy_pass http://127.0.0.1:1; }", "/report", said)
    assert f"{tmp_path}/media/dir is a symbolic link" in finding.cause
    assert explain("location / { proxy_pass http://127.0.0.1:1; }", "/x", said.replace("shop.test", "a.test")) is None
