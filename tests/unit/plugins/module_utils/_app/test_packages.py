"""Missing packages of the host."""

import shutil

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.packages import missing
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools

KNOWN = """installed|git|git-completion
installed|libjpeg62-turbo-dev|libjpeg-dev (= 1:2.1.5-4), libjpeg62-dev
config-files|xz-utils|lzma
not-installed|brotli|
"""


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    return Tools(lambda _argv, **_options: (0, KNOWN, ""), {})


def test_installed_and_provided_packages_are_not_missing(tools):
    assert missing(tools, ["git", "libjpeg-dev", "libjpeg62-dev", "git"]) == []


def test_removed_and_unknown_packages_are_missing(tools):
    assert missing(tools, ["xz-utils", "brotli", "libpq5", "git", "libpq5"]) == ["xz-utils", "brotli", "libpq5"]


def test_a_host_without_dpkg(tools, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(ReleaseError, match="no dpkg-query: the collection supports Debian only"):
        missing(tools, ["git"])


def test_a_dpkg_that_fails(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(ReleaseError, match=r"dpkg-query failed \(2\): database is locked"):
        missing(Tools(lambda _argv, **_options: (2, "", "database is locked"), {}), ["git"])
