"""The apps of a host."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.installed import installed, require
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError


def test_the_apps_are_those_with_releases(tmp_path):
    for name in ("shop/releases", "blog/releases", "www", "Other/releases"):
        (tmp_path / name).mkdir(parents=True)
    assert installed(str(tmp_path)) == ["blog", "shop"]
    assert installed(str(tmp_path / "nothing")) == []
    assert require("shop", str(tmp_path)).home == f"{tmp_path}/shop"


def test_an_unknown_app_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(ReleaseError, match=r"app: unknown app 'shop'\. This host has no app\. Nothing was changed\."):
        require("shop", str(tmp_path))
    (tmp_path / "shop/releases").mkdir(parents=True)
    with pytest.raises(ReleaseError, match=r"app: unknown app 'shpo': did you mean 'shop'\? Nothing was changed\."):
        require("shpo", str(tmp_path))
