"""A finding for each file system on which nothing can be written."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import space


def test_the_places_of_the_host_and_of_the_apps(monkeypatch):
    lacking = {"/var/lib/nginx": "has no inodes left ('df --inodes')", "/srv/shop/data": "is read-only"}
    monkeypatch.setattr(space, "_mount_points", lambda: {"/": True})
    monkeypatch.setattr(space.os.path, "isdir", lambda path: "/gone/" not in path)
    monkeypatch.setattr(space.disk_space, "lack", lambda path: lacking.get(path, ""))
    sites = [SimpleNamespace(site=f"{app}.example.com", app=app) for app in ("shop", "gone")]
    nginx, data = space.check_space(sites)
    assert (nginx.site, data.site) == (space.ALL_SITES, "shop.example.com")
    assert nginx.cause.startswith("The file system of /var/lib/nginx has no inodes left ('df --inodes'): nginx answers")
    assert "df --inodes /var/lib/nginx" in nginx.remedy
    assert data.cause.startswith("The file system of /srv/shop/data is read-only: shop cannot write")
    assert data.remedy.startswith("`findmnt --target /srv/shop/data`")


@pytest.mark.parametrize(
    ("mounts", "lacking", "causes"),
    [
        (
            ["/srv/shop/data/media"],
            ["/srv/shop/data/media"],
            ["/srv/shop/data/media is full: shop cannot"],
        ),
        (["/srv/shop/releases"], ["/srv/shop/releases"], ["/srv/shop/releases is full: no deployment of shop"]),
        (
            [r"/srv/shop/data/my\040files"],
            ["/srv/shop/data/my files"],
            ["/srv/shop/data/my files is full: "],
        ),
        # It is mounted read-only.
        (["/srv/shop/data/x ro"], ["/srv/shop/data/x"], []),
        # One file system, one finding.
        ([], ["/srv/shop/data", "/srv/shop/releases"], ["/srv/shop/data is full: shop cannot"]),
        (["/srv/shopping/data/x"], ["/srv/shopping/data/x"], []),
    ],
)
def test_each_file_system_of_an_app(monkeypatch, tmp_path, mounts, lacking, causes):
    (tmp_path / "mountinfo").write_text(
        "".join(f"1 2 0:3 / {one} {'' if ' ' in one else 'rw'},x - tmpfs t rw\n" for one in ["/", *mounts])
    )
    found = space.mounts.mounted(str(tmp_path / "mountinfo"))
    monkeypatch.setattr(space.mounts, "mounted", lambda: found)
    monkeypatch.setattr(space.os.path, "isdir", lambda path: True)
    monkeypatch.setattr(space.disk_space, "lack", lambda path: "is full" if path in lacking else "")
    # Two sites may publish one app.
    found = space.check_space([SimpleNamespace(site=f"{name}.example.com", app="shop") for name in ("a", "b")])
    assert [one.cause.split(" of ", 1)[1].startswith(cause) for one, cause in zip(found, causes, strict=True)] == [
        True for _cause in causes
    ]
