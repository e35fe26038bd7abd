"""nginx follows no link that an app, a release or a visitor's archive can contain."""

import pytest
from helpers.http import Visitor

HOME = "/srv/guestbook"


@pytest.fixture(scope="module", autouse=True)
def links(host):
    for directory in ("current/static", "data/media", "data/protected"):
        host.check_output("install -d -o guestbook -g www-data -m 2750 %s", f"{HOME}/data/protected")
        host.check_output("ln -sfn /etc %s && ln -sfn /etc/passwd %s", *(f"{HOME}/{directory}/{x}" for x in ("a", "b")))
    yield
    host.check_output(f"find {HOME}/current/static/ {HOME}/data/ -type l -delete")


@pytest.mark.parametrize("prefix", ["static", "media"])
def test_no_link_is_followed(guestbook, prefix):
    assert [guestbook.get(f"/{prefix}/{path}").status for path in ("a/passwd", "b")] == [404, 403]


def test_no_link_is_followed_in_protected_media(address, password):
    member = Visitor(address, "guestbook.example.test")
    member.log_in("/admin/login/", "visitor", password)
    assert member.get("/protected/b").status == 403


def test_a_link_in_place_of_the_media_directory_is_not_followed(host, guestbook):
    """The app can replace it, for the directory above it is the app's."""
    host.check_output("mv %s %s && ln -s /etc %s", f"{HOME}/data/media", f"{HOME}/data/aside", f"{HOME}/data/media")
    try:
        assert guestbook.get("/media/passwd").status == 404
    finally:
        host.check_output("rm %s && mv %s %s", f"{HOME}/data/media", f"{HOME}/data/aside", f"{HOME}/data/media")
