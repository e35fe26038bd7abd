"""The option maintenance replaces the pages of the app with a 503 page, until it is false again."""

from pathlib import Path

import pytest
from helpers.http import Visitor
from helpers.play import run_play

PLAY = Path(__file__).parent / "maintenance.yml"


@pytest.fixture(scope="module")
def closed(host, address, stylesheet):
    """What visitors got while the switch was on. The app goes on running behind it."""
    guestbook = Visitor(address, "guestbook.example.test")
    run_play(PLAY, host, maintenance=True)
    try:
        pages = {path: guestbook.get(path) for path in ("/", "/admin/", "/healthz", stylesheet)}
        pages["post"] = guestbook.request("POST", "/", body=b"name=x")
        pages["head"] = guestbook.head("/")
    finally:
        run_play(PLAY, host, maintenance=False)
    return pages


@pytest.mark.parametrize("path", ["/", "/admin/", "/healthz", "post"])
def test_every_page_gets_the_maintenance_page(closed, path):
    assert closed[path].status == 503
    assert closed[path].title() == "Down for maintenance"


def test_the_maintenance_page_has_retry_after(closed):
    assert int(closed["/"].headers["Retry-After"]) > 0
    assert closed["head"].status == 503
    assert int(closed["head"].headers["Retry-After"]) > 0


def test_the_maintenance_page_is_not_cached(closed):
    assert "no-store" in closed["/"].headers["Cache-Control"]


def test_static_files_are_still_served(closed, stylesheet):
    assert closed[stylesheet].status == 200


def test_the_site_is_served_after_maintenance(closed, guestbook):
    assert guestbook.get("/").status == 200
    assert "Retry-After" not in guestbook.get("/").headers
