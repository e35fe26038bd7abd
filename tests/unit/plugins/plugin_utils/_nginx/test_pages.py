"""Pages of a site come from a directory on the controller, and what does not belong there is refused."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import pages

SITE = {
    **{"name": "shop", "pages": "shop-pages", "snippet": None},
    "locations": [{"path": "/"}, {"path": "/favicon.ico"}],
}


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "404.html").write_text("Not here")
    (tmp_path / ".DS_Store").write_text("x")
    return tmp_path


def test_read(directory):
    (directory / "robots.txt").write_text("User-agent: *\r\n")
    assert pages.read(SITE, str(directory)) == {"404.html": b"Not here", "robots.txt": b"User-agent: *\r\n"}


def test_pages_of_ours_fill_the_gaps():
    found = pages.with_defaults({"404.html": b"a", "503.html": b"b"})
    assert set(found) == {f"{status}.html" for status in (401, 403, 404, 413, 429, 502, 503, 504)}
    assert (found["404.html"], found["503.html"]) == (b"a", b"b")
    assert b"Too many requests" in found["429.html"]


def test_statuses_that_nginx_has_to_be_told():
    assert pages.statuses({"404.html": b"", "503.html": b"", "robots.txt": b""}) == {"404": ("404",)}


def test_nginx_has_more_than_one_code_for_400():
    """494: a cookie is too large. It is no status of HTTP, and nginx sends 400."""
    assert pages.statuses({"400.html": b""}) == {"400": ("400", "494", "495", "496", "497")}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("40.html", "", "site 'shop': pages 'shop-pages': unknown file '40.html': did you mean '40"),
        ("robot.txt", "", "unknown file 'robot.txt': did you mean 'robots.txt'?"),
        ("style.css", "", "unknown file 'style.css'"),
        ("503.html", "x" * (pages.LARGEST + 1), "503.html is larger than 256 KiB"),
        ("favicon.ico", "", "favicon.ico is also what location '/favicon.ico' serves: remove one of the two"),
    ],
)
def test_refuses_a_file(directory, name, content, message):
    (directory / name).write_text(content)
    with pytest.raises(ValueError) as raised:
        pages.read(SITE, str(directory))
    assert message in str(raised.value)


@pytest.mark.parametrize(("status", "is_refused"), [("404", True), ("500", False)])
def test_a_page_that_the_snippet_has_as_well(directory, status, is_refused):
    """Of two pages for one status nginx takes the first, which is that of the directory."""
    site = SITE | {"snippet": f"error_page {status} /oops.html;"}
    if not is_refused:
        assert pages.read(site, str(directory))
        return
    with pytest.raises(ValueError, match=r"snippet has 'error_page 404 /oops\.html', and nginx ignores it for 404"):
        pages.read(site, str(directory))


def test_refuses_other_directories(directory, tmp_path):
    (directory / "img").mkdir()
    with pytest.raises(ValueError, match="contains the directory 'img'"):
        pages.read(SITE, str(directory))
    with pytest.raises(ValueError, match="is not a directory on the controller"):
        pages.read(SITE, str(tmp_path / "none"))
    with pytest.raises(ValueError, match="contains no file: add some of"):
        pages.read(SITE, str(directory / "img"))


def test_refuses_what_could_be_read_without_end(directory):
    (directory / "429.html").symlink_to("/dev/null")
    with pytest.raises(ValueError, match=r"429\.html is not a regular file"):
        pages.read(SITE, str(directory))
    (directory / "429.html").unlink()
    os.mkfifo(directory / "502.html")
    with pytest.raises(ValueError, match=r"502\.html is not a regular file"):
        pages.read(SITE, str(directory))
