"""A finding for each file system on which nothing can be written."""

from __future__ import annotations

from types import SimpleNamespace

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import space


def test_the_places_of_the_host_and_of_the_apps(monkeypatch):
    lacking = {"/var/lib/nginx": "has no inodes left ('df --inodes')", "/srv/shop/data": "is read-only"}
    monkeypatch.setattr(space.os.path, "isdir", lambda path: path != "/srv/gone/data")
    monkeypatch.setattr(space.disk_space, "lack", lambda path: lacking.get(path, ""))
    sites = [SimpleNamespace(site=f"{app}.example.com", app=app) for app in ("shop", "gone")]
    nginx, data = space.check_space(sites)
    assert (nginx.site, data.site) == (space.ALL_SITES, "shop.example.com")
    assert nginx.cause.startswith("The file system of /var/lib/nginx has no inodes left ('df --inodes'): nginx answers")
    assert "df --inodes /var/lib/nginx" in nginx.remedy
    assert data.cause.startswith("The file system of /srv/shop/data is read-only: shop cannot write")
    assert data.remedy.startswith("`findmnt --target /srv/shop/data`")
