"""Static files and media: where the project has them, and where nginx looks."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.django import Directory, Project
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Served
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import project_reader
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.files import absent, of_files, present

NAME = "shop.example.com"


@pytest.fixture
def directories(tmp_path):
    """Collected static files, with their manifest, and an upload; *other* has nothing."""
    for name in ("static/css/shop.css", "static/staticfiles.json", "media/cat.png", "other/staticfiles.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "current").symlink_to(tmp_path)
    return tmp_path


def seen_by_the_app(root):
    return Directory(os.path.realpath(root), tuple(project_reader.files(str(root))))


@pytest.fixture
def examine(directories):
    def run(static=None, media=None, managed=True, internal=(), optional=(), inventory=(), **values):
        locations = {"/static/": "current/static/"} if static is None else static
        locations |= {"/media/": "media/"} if media is None else media
        site = Served(
            NAME,
            (NAME,),
            True,
            "443",
            tuple((path, f"{directories}/{alias}") for path, alias in locations.items()),
            0,
            "shop",
            internal=internal,
            optional=optional,
            managed=managed,
        )
        project = {
            "INSTALLED_APPS": ["django.contrib.staticfiles"],
            "MIDDLEWARE": [],
            "STATIC_URL": "/static/",
            "STATIC_ROOT": f"{directories}/static",
            "MEDIA_URL": "/media/",
            "MEDIA_ROOT": f"{directories}/media",
        }
        roots = {name: (project | values)[name] for name in ("STATIC_ROOT", "MEDIA_ROOT")}
        seen = {name: seen_by_the_app(root) for name, root in roots.items() if root}
        return list(of_files(Project(project | values, "shop.settings", frozenset(inventory), directories=seen), site))

    return run


def test_nothing_is_found_where_nothing_is_wrong(examine):
    assert examine() == []


@pytest.mark.parametrize("static", [{"/static/css/": "static/css/"}, {"/": "", "/static/": "static/"}])
def test_a_part_or_more_of_it_may_be_published(examine, static):
    assert examine(static) == []


def test_another_static_url(examine):
    ((cause, remedy),) = examine(STATIC_URL="/assets/")
    assert cause.startswith("STATIC_URL is '/assets/', and nginx sends the files of STATIC_ROOT under /static/")
    assert remedy == "Write in shop.settings: `STATIC_URL = '/static/'`."


def test_static_files_that_no_location_sends(examine, directories):
    ((cause, remedy),) = examine({})
    assert "nginx has no location that sends the files of STATIC_ROOT" in cause
    assert remedy == f"Write in the site's entry of django_sites: `static: {{/static/: {directories}/static/}}`."
    ((_cause, remedy),) = examine({}, managed=False)
    assert remedy == (
        f"Write beside the location at nginx's location: `location /static/ {{ alias {directories}/static/; }}`, "
        "then `systemctl reload nginx`."
    )


def test_static_files_that_others_send(examine):
    assert examine({}, MIDDLEWARE=["whitenoise.middleware.WhiteNoiseMiddleware"]) == []
    assert examine({}, STATIC_URL="https://cdn.example.com/static/") == []
    assert examine({}, INSTALLED_APPS=[]) == []


def test_static_files_that_nginx_asks_the_app_for_where_it_has_none(examine):
    sent = {"MIDDLEWARE": ["whitenoise.middleware.WhiteNoiseMiddleware"]}
    assert examine({"/": "other/"}, optional=("/",), **sent) == []
    assert len(examine({"/": "other/"}, optional=("/",))) == 1
    assert len(examine({"/": "other/"}, **sent)) == 1


def test_a_location_without_a_slash(examine):
    assert examine({"/static": "static"}) == []


def test_a_full_address_of_the_site_itself_is_a_path(examine):
    assert examine(STATIC_URL=f"https://{NAME}/static/") == []
    assert len(examine(STATIC_URL=f"//{NAME}/assets/")) == 1


def test_nginx_that_looks_elsewhere(examine, directories):
    ((cause, remedy),) = examine({"/static/": "other/"})
    assert cause == (
        f"nginx sends /static/ from '{directories}/other/', which has no 'css/shop.css': STATIC_ROOT, where the "
        f"project's files are, is '{directories}/static'."
    )
    assert remedy == f"Write in the site's entry of django_sites: `static: {{/static/: {directories}/static/}}`."


def test_an_inventory_that_has_the_files_elsewhere(examine):
    ((_cause, remedy),) = examine({"/static/": "other/"}, inventory=["STATIC_ROOT"])
    assert remedy == "Remove STATIC_ROOT from the app's settings in the inventory."


def test_files_that_are_not_collected_are_not_looked_for(examine, directories):
    assert examine({}, STATIC_ROOT=f"{directories}/other") == []
    assert examine({}, STATIC_ROOT=None) == []


def test_another_media_url(examine):
    ((cause, remedy),) = examine(MEDIA_URL="/uploads/")
    assert cause.startswith("MEDIA_URL is '/uploads/', and nginx sends the files of MEDIA_ROOT under /media/")
    assert remedy == "Write in shop.settings: `MEDIA_URL = '/media/'`."


def test_media_that_nobody_has_uploaded_are_not_missed(examine, directories):
    (directories / "media/cat.png").unlink()
    assert examine(MEDIA_URL="/uploads/") == []


def test_media_that_the_app_hands_out(examine):
    assert examine(media={}) == []
    assert examine(media={"/hidden/": "media/"}, internal=("/hidden/",), managed=False) == []
    assert len(examine(media={}, managed=False)) == 1


def test_a_release_is_named_by_the_link_that_stays(tmp_path, monkeypatch):
    from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import files

    (tmp_path / "releases/1/static").mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/1")
    monkeypatch.setattr(files, "HOME", str(tmp_path.parent))
    site = Served(NAME, (), True, "443", (), 0, tmp_path.name)
    assert files.lasting(site, str(tmp_path / "releases/1/static")) == f"{tmp_path}/current/static"
    assert files.lasting(site, "/var/www/static") == "/var/www/static"


def test_a_manifest_is_not_for_visitors(directories):
    assert present(seen_by_the_app(directories / "static")) == ["css/shop.css"]
    assert present(seen_by_the_app(directories / "other")) == []


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "sub/../../secret"])
def test_a_name_that_the_app_reports_is_not_looked_for_elsewhere(directories, monkeypatch, name):
    asked = []
    monkeypatch.setattr("os.open", lambda *args, **options: asked.append(args))
    assert absent(Directory("/x", (name,)), f"{directories}/static") == ""
    assert asked == []


def test_a_link_is_not_followed_to_what_it_hides(directories):
    (directories / "other/leak").symlink_to("/etc")
    assert absent(Directory("/x", ("leak/no-such-file",)), f"{directories}/other") == ""
