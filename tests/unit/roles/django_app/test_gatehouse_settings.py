"""The settings of a release on top of the project's own."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
import types
from pathlib import Path

import pytest

SETTINGS = Path(__file__).resolve().parents[4] / "roles/django_app/files/gatehouse_settings.py"


@pytest.fixture
def release(tmp_path):
    path = tmp_path / "releases" / "abc-1"
    for name in ("gatehouse", "src"):
        (path / name).mkdir(parents=True)
    shutil.copy(SETTINGS, path / "gatehouse")
    return path


@pytest.fixture
def overlaid(release, monkeypatch):
    def load(project, settings=None, **environment):
        module = types.ModuleType("project_settings")
        vars(module).update(project)
        monkeypatch.setitem(sys.modules, "project_settings", module)
        monkeypatch.chdir(release / "src")
        for name in ("SECRET_KEY", "DJANGO_SECRET_KEY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {
            "GATEHOUSE_DATA_DIR": "/srv/shop/data",
            "GATEHOUSE_SETTINGS_MODULE": "project_settings",
            "GATEHOUSE_SETTINGS": json.dumps(settings or {}),
            **environment,
        }.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(release / "gatehouse" / "gatehouse_settings.py"))

    return load


def sqlite(name):
    return {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": name}}


def test_settings_of_the_project_are_kept(overlaid):
    settings = overlaid({"ROOT_URLCONF": "shop.urls", "helper": 1})
    assert settings["ROOT_URLCONF"] == "shop.urls"
    assert "helper" not in settings


def test_static_and_media_files_are_in_the_paths_of_nginx(overlaid, release):
    settings = overlaid({"STATIC_ROOT": "/elsewhere", "MEDIA_ROOT": "/elsewhere", "STATIC_URL": "static/"})
    assert settings["STATIC_ROOT"] == str(release / "static")
    assert settings["MEDIA_ROOT"] == "/srv/shop/data/media"
    assert (settings["STATIC_URL"], settings["MEDIA_URL"]) == ("static/", "/media/")


def test_paths_keep_the_type_of_the_project(overlaid, release):
    settings = overlaid({"STATIC_ROOT": Path("/elsewhere"), "DATABASES": sqlite(release / "src" / "db.sqlite3")})
    assert settings["STATIC_ROOT"] / "x" == release / "static" / "x"
    assert settings["DATABASES"]["default"]["NAME"] == Path("/srv/shop/data/db.sqlite3")
    assert isinstance(settings["MEDIA_ROOT"], str)


def test_sqlite_inside_of_the_release_moves_to_the_data(overlaid, release):
    for name in ("db.sqlite3", release / "src" / "db.sqlite3", str(release / "src" / "deep" / "db.sqlite3")):
        assert str(overlaid({"DATABASES": sqlite(name)})["DATABASES"]["default"]["NAME"]) == "/srv/shop/data/db.sqlite3"


def test_sqlite_inside_of_an_environment_that_releases_share_moves_to_the_data(overlaid, release, monkeypatch):
    shared = release.parent.parent / "venvs" / "0123"
    shared.mkdir(parents=True)
    (release / "venv").symlink_to("../../venvs/0123")
    monkeypatch.setattr(sys, "prefix", str(release / "venv"))
    for place in (shared, release / "venv"):
        moved = overlaid({"DATABASES": sqlite(str(place / "lib" / "shop" / "db.sqlite3"))})["DATABASES"]
        assert moved["default"]["NAME"] == "/srv/shop/data/db.sqlite3"
    elsewhere = str(shared.parent / "4567" / "db.sqlite3")
    assert overlaid({"DATABASES": sqlite(elsewhere)})["DATABASES"]["default"]["NAME"] == elsewhere


def test_each_of_several_databases_moves_whatever_sqlites_backend_is_called(overlaid):
    engines = {"default": "django.contrib.gis.db.backends.spatialite", "queue": "shop.timed_sqlite_backend"}
    databases = {alias: {"ENGINE": engine, "NAME": f"{alias}.db"} for alias, engine in engines.items()}
    moved = overlaid({"DATABASES": databases})["DATABASES"]
    assert {alias: moved[alias]["NAME"] for alias in moved} == {
        "default": "/srv/shop/data/default.db",
        "queue": "/srv/shop/data/queue.db",
    }


@pytest.mark.parametrize("name", ["/var/lib/shop/db.sqlite3", ":memory:", "file:shop?mode=memory"])
def test_other_sqlite_stays(overlaid, name):
    assert overlaid({"DATABASES": sqlite(name)})["DATABASES"]["default"]["NAME"] == name


def test_another_database_stays(overlaid):
    databases = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}}
    assert overlaid({"DATABASES": databases})["DATABASES"] == databases


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": False}, True),
        ({"CONN_MAX_AGE": None}, True),
        ({"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}, False),
    ],
)
def test_a_connection_to_postgresql_that_is_kept_is_checked(overlaid, given, expected):
    databases = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", **given}}
    assert overlaid({"DATABASES": databases})["DATABASES"]["default"]["CONN_HEALTH_CHECKS"] == expected


def test_sqlite_is_the_default(overlaid):
    assert overlaid({})["DATABASES"]["default"]["NAME"] == "/srv/shop/data/db.sqlite3"


def test_a_secret_key_of_the_project_comes_first(overlaid):
    assert overlaid({"SECRET_KEY": "own"}, DJANGO_SECRET_KEY="other")["SECRET_KEY"] == "own"
    assert overlaid({}, DJANGO_SECRET_KEY="given")["SECRET_KEY"] == "given"
    assert overlaid({"SECRET_KEY": ""}, SECRET_KEY="given")["SECRET_KEY"] == "given"


def test_the_proxy_header_is_set_unless_the_project_sets_it(overlaid):
    assert overlaid({})["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    assert overlaid({"SECURE_PROXY_SSL_HEADER": ("HTTP_X", "y")})["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X", "y")


def test_settings_of_the_inventory_override_all_others(overlaid):
    settings = overlaid({"ALLOWED_HOSTS": []}, {"ALLOWED_HOSTS": ["shop.example.com"], "MEDIA_URL": "/files/"})
    assert (settings["ALLOWED_HOSTS"], settings["MEDIA_URL"]) == (["shop.example.com"], "/files/")


def test_errors_of_requests_reach_the_console_unless_the_project_has_its_own_logging(overlaid):
    settings = overlaid({})
    assert settings["LOGGING"]["loggers"]["django.request"] == {"handlers": ["gatehouse"]}
    assert settings["LOGGING"]["disable_existing_loggers"] is False
    assert overlaid({"LOGGING": {"version": 1}})["LOGGING"] == {"version": 1}
    assert "LOGGING" not in overlaid({"LOGGING_CONFIG": None})


def below_shop(overlaid, project, settings=None):
    return overlaid(project, settings, GATEHOUSE_PREFIX="/shop/", GATEHOUSE_APP="shop")


def test_an_app_without_a_prefix_keeps_its_urls_and_cookies(overlaid):
    settings = overlaid({"LOGIN_URL": "/login/"})
    assert settings["LOGIN_URL"] == "/login/"
    assert (
        not {"FORCE_SCRIPT_NAME", "SESSION_COOKIE_NAME", "SESSION_COOKIE_PATH", "LOGIN_REDIRECT_URL"} & settings.keys()
    )


@pytest.mark.parametrize("url", ["static/", "/static/", "/shop/static/"])
def test_urls_of_files_are_below_the_prefix(overlaid, url):
    settings = below_shop(overlaid, {"STATIC_URL": url})
    assert (settings["FORCE_SCRIPT_NAME"], settings["STATIC_URL"]) == ("/shop", "/shop/static/")
    assert settings["MEDIA_URL"] == "/shop/media/"


@pytest.mark.parametrize("url", ["https://cdn.example/static/", "//cdn.example/static/"])
def test_files_of_another_host_stay_there(overlaid, url):
    assert below_shop(overlaid, {"STATIC_URL": url})["STATIC_URL"] == url


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("/", "/shop/"),
        ("/login/", "/shop/login/"),
        ("/shopping/", "/shop/shopping/"),
        ("/shop", "/shop"),
        ("/shop/login/", "/shop/login/"),
        ("admin:login", "admin:login"),
        ("https://id.example/", "https://id.example/"),
        (None, None),
    ],
)
def test_pages_that_settings_name_are_below_the_prefix(overlaid, given, found):
    names = ("LOGIN_URL", "LOGIN_REDIRECT_URL", "LOGOUT_REDIRECT_URL")
    settings = below_shop(overlaid, dict.fromkeys(names, given))
    assert [settings[name] for name in names] == [found] * 3


def test_djangos_own_pages_are_below_the_prefix(overlaid):
    settings = below_shop(overlaid, {})
    names = ("LOGIN_URL", "LOGIN_REDIRECT_URL", "LOGOUT_REDIRECT_URL")
    assert [settings[name] for name in names] == ["/shop/accounts/login/", "/shop/accounts/profile/", None]


def test_the_session_of_a_mounted_app_is_its_own(overlaid):
    settings = below_shop(overlaid, {})
    assert (settings["SESSION_COOKIE_NAME"], settings["SESSION_COOKIE_PATH"]) == ("sessionid_shop", "/shop/")
    # Scripts read this cookie by its name and find the first one, Django the last.
    assert not {"CSRF_COOKIE_NAME", "CSRF_COOKIE_PATH"} & settings.keys()


def test_the_cookies_of_the_project_win(overlaid):
    settings = below_shop(overlaid, {"SESSION_COOKIE_NAME": "mine", "SESSION_COOKIE_PATH": "/"})
    assert (settings["SESSION_COOKIE_NAME"], settings["SESSION_COOKIE_PATH"]) == ("mine", "/")


def test_the_inventory_wins_over_the_prefix(overlaid):
    assert below_shop(overlaid, {}, {"LOGIN_URL": "/accounts/login/"})["LOGIN_URL"] == "/accounts/login/"
