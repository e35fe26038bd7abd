"""Which apps' settings are compared again."""

from __future__ import annotations

import dataclasses
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import engine
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.agreed import Agreed


def site(app):
    return AppSite(f"{app}.test", (f"{app}.test",), False, "80", (), 0, app)


SITES = (site("shop"), site("blog"))


class Host:
    app_sites = SITES


@pytest.fixture
def apps(tmp_path):
    for name in ("shop", "blog"):
        (tmp_path / "srv" / name / "releases" / "1-a").mkdir(parents=True)
        os.symlink("releases/1-a", tmp_path / "srv" / name / "current")
    return tmp_path / "srv"


@pytest.fixture
def agreed(apps, tmp_path):
    return lambda sites=SITES: Agreed(sites, str(apps), str(tmp_path / "run" / "agreed"))


@pytest.fixture
def check(agreed, monkeypatch):
    """check(): the apps whose settings are compared; *wrong* ones have a finding."""

    def check(*wrong, sites=SITES, **options):
        seen = []

        def check_projects(compared):
            seen.extend(one.app for one in compared)
            return [Finding(one.site, "a setting", "a line") for one in compared if one.app in wrong]

        monkeypatch.setattr(engine, "check_projects", check_projects)
        Host.app_sites = sites
        findings = engine.check_changed_settings(Host, agreed(sites), **options)
        assert {finding.site.partition(".")[0] for finding in findings} == set(wrong)
        return seen

    return check


def test_what_agreed_is_not_compared_again(check, tmp_path):
    assert check() == ["shop", "blog"]
    assert check() == []
    assert os.stat(tmp_path / "run" / "agreed").st_mode & 0o777 == 0o700


def test_a_finding_is_found_again(check):
    assert check("shop") == ["shop", "blog"]
    assert check("shop") == ["shop"]
    assert check() == ["shop"]
    assert check() == []


def test_a_check_remembers_nothing(check):
    assert check(remember=False) == check() == ["shop", "blog"]


def test_a_new_release_is_compared(check, apps):
    check()
    (apps / "shop" / "releases" / "2-b").mkdir()
    (apps / "shop" / "current").unlink()
    os.symlink("releases/2-b", apps / "shop" / "current")
    assert check() == ["shop"]


def test_an_environment_that_was_changed_by_hand_is_compared(check, apps):
    check()
    (apps / "shop" / "current" / "env").write_text("DJANGO_ALLOWED_HOSTS=other.test")
    assert check() == ["shop"]


def test_a_changed_site_is_compared(check):
    check()
    assert check(sites=(dataclasses.replace(SITES[0], client_max_body_size=1), SITES[1])) == ["shop"]
    # A name that an app has over TLS counts for the other sites as well.
    assert check(sites=(dataclasses.replace(SITES[0], tls=True), SITES[1])) == ["shop", "blog"]


def test_a_changed_comparison_is_made(check, monkeypatch):
    check()
    monkeypatch.setattr(
        "ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.agreed._code", lambda: "new"
    )
    assert check() == ["shop", "blog"]


def test_a_host_that_cannot_remember_compares(check, tmp_path):
    (tmp_path / "run").write_text("a file")
    assert check() == check() == ["shop", "blog"]
