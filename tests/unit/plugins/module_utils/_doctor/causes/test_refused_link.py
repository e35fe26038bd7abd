"""A symbolic link that nginx does not follow, by the location's disable_symlinks."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import refused_link
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer


@pytest.fixture
def explain(visit_to, tmp_path):
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "x.css").touch()

    def explain(rule, path):
        text = f"location /static/ {{ alias TMP/static/; {rule} }}"
        return refused_link.explain(visit_to(text, (f"http://shop.test/static/{path}", Answer(403))))

    return explain


@pytest.mark.parametrize(("target", "path"), [("x.css", "link"), (".", "link/x.css"), ("/etc", "link/passwd")])
def test_a_link_that_nginx_does_not_follow(explain, tmp_path, target, path):
    (tmp_path / "static" / "link").symlink_to(target)
    finding = explain("disable_symlinks on from=TMP;", path)
    assert finding.cause.startswith(f"nginx does not follow the symbolic link '{tmp_path}/static/link' to '{target}', ")
    assert f"because of 'disable_symlinks on from={tmp_path}' ({tmp_path}/nginx.conf:3)." in finding.cause
    assert "set 'symlinks: follow'" in finding.remedy


@pytest.mark.parametrize("rule", ["", "disable_symlinks off;", "disable_symlinks on from=TMP/static/link;"])
def test_a_link_that_nginx_follows(explain, tmp_path, rule):
    (tmp_path / "static" / "link").symlink_to("/etc")
    assert explain(rule, "link/passwd") is None
