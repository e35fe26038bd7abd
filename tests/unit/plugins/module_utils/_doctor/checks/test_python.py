"""A release whose environment belongs to a Python that the host no longer has."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.python import check_python

SITE = "shop.example.com"


@pytest.fixture
def release(tmp_path):
    """release(version, target): the app has an environment for *version* whose Python is a link to *target*."""
    home = tmp_path / "shop"
    venv = home / "venvs/1"
    (home / "releases/abc-1").mkdir(parents=True)
    (home / "current").symlink_to("releases/abc-1")
    (home / "releases/abc-1/venv").symlink_to("../../venvs/1")

    def release(version, target, *, exists=True):
        (venv / "lib" / version / "site-packages").mkdir(parents=True)
        (venv / "bin").mkdir()
        os.symlink(tmp_path / target, venv / "bin/python")
        if exists:
            (tmp_path / target).touch()
        return check_python(SITE, "shop", str(tmp_path))

    return release


def test_the_python_of_the_environment(release):
    assert release("python3.11", "python3.11") is None


def test_a_python_without_a_version_in_its_name(release):
    assert release("python3.11", "python") is None


def test_another_python_has_taken_its_name(release):
    finding = release("python3.11", "python3.13")
    assert finding.site == SITE
    assert "release abc-1 was built for Python 3.11, and the host's Python is 3.13 now" in finding.cause
    assert "`ansible-playbook gatehouse.django.site`" in finding.remedy


def test_the_python_is_gone(release, tmp_path):
    assert f"the host no longer has '{tmp_path}/python3.11'" in release("python3.11", "python3.11", exists=False).cause


def test_no_release(tmp_path):
    assert check_python(SITE, "shop", str(tmp_path)) is None
