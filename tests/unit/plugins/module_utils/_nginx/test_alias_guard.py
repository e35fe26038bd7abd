"""Directories that nginx must not publish."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import alias_guard as alias
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.alias_guard import check_aliases


@pytest.mark.parametrize("name", [".env", ".git", "manage.py", "db.sqlite3", "pyvenv.cfg"])
def test_refuses_a_directory_with(name, tmp_path):
    (tmp_path / name).touch()
    with pytest.raises(ValueError, match=f"holds '{name}'"):
        check_aliases([{"site": "shop", "path": "/s/", "alias": f"{tmp_path}/"}])


def test_accepts_static_files_and_a_directory_that_is_not_there_yet(tmp_path):
    """Smoke test: nothing is raised."""
    (tmp_path / "style.css").touch()
    check_aliases({"site": "shop", "path": "/s/", "alias": alias} for alias in (f"{tmp_path}/", f"{tmp_path}/later/"))


def test_an_app_cannot_have_all_sites_refused(tmp_path, monkeypatch):
    """What is in its media directory is for the app to choose."""
    monkeypatch.setattr(alias, "UPLOADS", alias.re.compile(f"{tmp_path}/data/[^/]"))
    (tmp_path / "data" / "media").mkdir(parents=True)
    (tmp_path / "data" / "media" / "x\n.db").touch()
    (tmp_path / "data" / "db.sqlite3").touch()
    (warning,) = check_aliases([{"site": "shop", "path": "/m/", "alias": f"{tmp_path}/data/media/"}])
    assert "holds 'x\\n.db', which anyone could download" in warning
    with pytest.raises(ValueError, match=r"holds 'db\.sqlite3'"):
        check_aliases([{"site": "shop", "path": "/m/", "alias": f"{tmp_path}/data/"}])
