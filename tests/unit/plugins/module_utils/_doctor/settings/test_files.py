"""Static files and media: the directories of the project, and the locations of nginx."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import project_reader
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.comparison import Comparison
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.files import (
    check_files,
    missing_file,
    public_files,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Directory, Project

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
    def run(
        static=None, media=None, managed=True, internal=(), optional=(), inventory=(), prefix="/", deployed="", **values
    ):
        locations = {"/static/": "current/static/"} if static is None else static
        locations |= {"/media/": "media/"} if media is None else media
        site = AppSite(
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
            prefix=prefix,
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
        project = Project(
            project | values,
            "shop.settings",
            frozenset(inventory),
            static=seen.get("STATIC_ROOT", Directory()),
            media=seen.get("MEDIA_ROOT", Directory()),
            prefix=deployed,
        )
        return [(found.cause, found.remedy) for found in check_files(Comparison(project, site))]

    return run


def test_no_finding(examine):
    assert examine() == []


@pytest.mark.parametrize("static", [{"/static/css/": "static/css/"}, {"/": "", "/static/": "static/"}])
def test_a_site_may_publish_a_part_of_the_directory_or_more(examine, static):
    assert examine(static) == []


def test_another_static_url(examine):
    ((cause, remedy),) = examine(STATIC_URL="/assets/")
    assert cause.startswith("STATIC_URL is '/assets/', but nginx sends the files of STATIC_ROOT under /static/")
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


def test_static_files_that_nginx_need_not_send(examine):
    assert examine({}, MIDDLEWARE=["whitenoise.middleware.WhiteNoiseMiddleware"]) == []
    assert examine({}, STATIC_URL="https://cdn.example.com/static/") == []
    assert examine({}, INSTALLED_APPS=[]) == []


def test_try_files_passes_requests_for_absent_files_to_the_app(examine):
    sent = {"MIDDLEWARE": ["whitenoise.middleware.WhiteNoiseMiddleware"]}
    assert examine({"/": "other/"}, optional=("/",), **sent) == []
    assert len(examine({"/": "other/"}, optional=("/",))) == 1
    assert len(examine({"/": "other/"}, **sent)) == 1


def test_a_location_without_a_slash(examine):
    assert examine({"/static": "static"}) == []


def test_a_full_url_of_the_site_is_a_path(examine):
    assert examine(STATIC_URL=f"https://{NAME}/static/") == []
    assert len(examine(STATIC_URL=f"//{NAME}/assets/")) == 1


def test_another_directory(examine, directories):
    ((cause, remedy),) = examine({"/static/": "other/"})
    assert cause == (
        f"nginx sends /static/ from '{directories}/other/', which has no 'css/shop.css': STATIC_ROOT, where the "
        f"project's files are, is '{directories}/static'."
    )
    assert remedy == f"Write in the site's entry of django_sites: `static: {{/static/: {directories}/static/}}`."


def test_a_directory_of_the_inventory(examine):
    ((_cause, remedy),) = examine({"/static/": "other/"}, inventory=["STATIC_ROOT"])
    assert remedy == "Remove STATIC_ROOT from the app's settings in the inventory."


def test_no_finding_without_collected_files(examine, directories):
    assert examine({}, STATIC_ROOT=f"{directories}/other") == []
    assert examine({}, STATIC_ROOT="") == []


def test_another_media_url(examine):
    ((cause, remedy),) = examine(MEDIA_URL="/uploads/")
    assert cause.startswith("MEDIA_URL is '/uploads/', but nginx sends the files of MEDIA_ROOT under /media/")
    assert remedy == "Write in shop.settings: `MEDIA_URL = '/media/'`."


def test_no_finding_without_uploads(examine, directories):
    (directories / "media/cat.png").unlink()
    assert examine(MEDIA_URL="/uploads/") == []


def test_media_that_the_app_sends(examine):
    assert examine(media={}) == []
    assert examine(media={"/hidden/": "media/"}, internal=("/hidden/",), managed=False) == []
    assert len(examine(media={}, managed=False)) == 1


def test_the_path_of_a_release_goes_through_current(tmp_path, monkeypatch):
    from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import files

    (tmp_path / "releases/1/static").mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/1")
    monkeypatch.setattr(files, "APPS", str(tmp_path.parent))
    site = AppSite(NAME, (), True, "443", (), 0, tmp_path.name)
    assert files.stable_path(site, str(tmp_path / "releases/1/static")) == f"{tmp_path}/current/static"
    assert files.stable_path(site, "/var/www/static") == "/var/www/static"


def test_the_manifest_is_not_public(directories):
    assert public_files(seen_by_the_app(directories / "static")) == ["css/shop.css"]
    assert public_files(seen_by_the_app(directories / "other")) == []


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "sub/../../secret"])
def test_a_reported_name_does_not_lead_out_of_the_directory(directories, monkeypatch, name):
    asked = []
    monkeypatch.setattr("os.open", lambda *args, **options: asked.append(args))
    assert missing_file(Directory("/x", (name,)), f"{directories}/static") == ""
    assert asked == []


def test_links_in_the_directory_are_not_followed(directories):
    (directories / "other/leak").symlink_to("/etc")
    assert missing_file(Directory("/x", ("leak/no-such-file",)), f"{directories}/other") == ""


BELOW = {"static": {"/shop/static/": "current/static/"}, "media": {"/shop/media/": "media/"}, "prefix": "/shop/"}


def test_an_app_that_does_not_know_its_prefix(examine):
    found = examine(**BELOW)
    assert [cause.partition(",")[0] for cause, _remedy in found] == [
        "STATIC_URL is '/static/'",
        "MEDIA_URL is '/media/'",
    ]
    (remedy,) = {remedy for _cause, remedy in found}
    assert remedy.startswith("The app was deployed without a prefix, and the site serves it at /shop/.")
    assert "`prefix: /shop/`" in remedy
    assert remedy.endswith("`ansible-playbook gatehouse.django.site -e app=shop`.")


def test_an_app_with_a_prefix_that_the_site_has_not(examine):
    found = examine(deployed="/shop/", STATIC_URL="/shop/static/", MEDIA_URL="/shop/media/")
    (remedy,) = {remedy for _cause, remedy in found}
    assert "deployed for the prefix /shop/, and the site serves it at /. Give its entry" in remedy
    assert "in django_apps no `prefix`" in remedy


def test_an_app_with_the_prefix_of_its_site(examine):
    assert examine(**BELOW, deployed="/shop/", STATIC_URL="/shop/static/", MEDIA_URL="/shop/media/") == []
    # A project that writes the prefix itself.
    assert examine(**BELOW, STATIC_URL="/shop/static/", MEDIA_URL="/shop/media/") == []
    # A setting of the project is wrong, not the prefix.
    found = examine(**BELOW, deployed="/shop/", STATIC_URL="/assets/", MEDIA_URL="/shop/media/")
    assert [remedy for _cause, remedy in found] == ["Write in shop.settings: `STATIC_URL = '/shop/static/'`."]


@pytest.mark.parametrize("url", ["/static; } location / { /", "/{{ x }}/"])
def test_a_remedy_has_no_url_that_is_configuration(examine, url):
    ((_cause, remedy),) = examine({}, STATIC_URL=url)
    assert remedy.startswith("Publish the directory of STATIC_ROOT under STATIC_URL.")
