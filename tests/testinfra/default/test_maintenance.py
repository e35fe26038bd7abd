"""The maintenance switch closes the app to visitors and says so; turned back, all is as it was."""

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
def test_every_page_says_that_the_site_is_down_for_maintenance(closed, path):
    assert closed[path].status == 503
    assert closed[path].title() == "Down for maintenance"


def test_a_robot_is_told_when_to_come_back(closed):
    assert int(closed["/"].headers["Retry-After"]) > 0
    assert closed["head"].status == 503
    assert int(closed["head"].headers["Retry-After"]) > 0


def test_no_cache_keeps_the_maintenance_page(closed):
    assert "no-store" in closed["/"].headers["Cache-Control"]


def test_static_files_are_still_served(closed, stylesheet):
    assert closed[stylesheet].status == 200


def test_afterwards_the_site_is_back(closed, guestbook):
    assert guestbook.get("/").status == 200
    assert "Retry-After" not in guestbook.get("/").headers
