"""A symbolic link on the way to a file, where nginx follows none."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import untrusted_link
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer


@pytest.fixture
def explain(visit_to, tmp_path):
    (tmp_path / "media" / "sub").mkdir(parents=True)
    (tmp_path / "media" / "sub" / "x").touch()
    (tmp_path / "media" / "dir").symlink_to("/srv/other")
    (tmp_path / "media" / "leak").symlink_to("/etc/passwd")

    def explain(text, path, status=403):
        return untrusted_link.explain(visit_to(text, (f"http://shop.test{path}", Answer(status))))

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
    # The app chooses the target: no line to write names it.
    assert target not in finding.remedy


def test_no_link(explain):
    assert explain(MEDIA, "/media/sub/x") is None
    assert explain(MEDIA, "/media/none") is None
    assert explain(MEDIA, "/media/leak", status=200) is None


def test_a_link_that_nginx_follows(explain):
    assert explain("location /media/ { alias TMP/media/; }", "/media/leak") is None
    assert explain("location /media/ { alias TMP/media/; disable_symlinks off; }", "/media/leak") is None


def test_a_part_that_nginx_follows(explain, tmp_path):
    (tmp_path / "current").symlink_to("media")
    text = MEDIA.replace("TMP/media/", "TMP/current/")
    assert explain(text, "/media/sub/x") is None
    assert explain(text, "/media/leak").cause.startswith(f"nginx does not send {tmp_path}/current/leak")


@pytest.mark.parametrize("number", [40, 20])
def test_a_file_that_the_app_names(explain, failed_visit, tmp_path, number):
    (tmp_path / "media").chmod(0o777)
    entry = f'openat() "{tmp_path}/media/dir/a" failed ({number}: Too many)'

    def found(entry, **options):
        text = "location / { proxy_pass http://127.0.0.1:1; }"
        return untrusted_link.explain(failed_visit(text, entry, status=403, path="/report", **options))

    assert f"{tmp_path}/media/dir is a symbolic link" in found(entry).cause
    # Of a visitor's request.
    assert found(f"{entry}, client: 203.0.113.9") is None
    assert found(entry, is_target=False) is None
