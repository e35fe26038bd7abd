"""Uploads of visitors are stored in the app's media directory, and nginx serves them unchanged."""

import os
import re
import uuid

import pytest
from helpers.hosts import eventually

MEDIA = "/srv/guestbook/data/media"


@pytest.fixture
def send(guestbook):
    """Sign the guestbook with an attachment; the path under which the page then offers it."""

    def sign(filename, content, content_type="application/octet-stream"):
        token = guestbook.get("/").csrf_token()
        fields = {"name": "A visitor", "message": f"With {filename}", "csrfmiddlewaretoken": token}
        answer = guestbook.submit("/", fields, {"attachment": (filename, content_type, content)})
        assert answer.status == 302, answer.text[:500]
        stem = re.escape(filename.rsplit(".", 1)[0])
        return re.search(rf'(/media/[^"]*{stem}[^"]*)"', guestbook.get("/").text).group(1)

    return sign


@pytest.fixture
def filename():
    return f"upload-{uuid.uuid4().hex}.bin"


def test_an_upload_is_served_byte_for_byte(guestbook, send, filename):
    content = os.urandom(300_000)
    answer = guestbook.get(send(filename, content))
    assert answer.status == 200
    assert answer.body == content


def test_only_the_app_and_nginx_can_read_an_upload(host, send, filename):
    stored = MEDIA + send(filename, b"some bytes").removeprefix("/media")
    assert host.file(stored).content == b"some bytes"
    assert host.file(stored).user == "guestbook"
    for user, may_read in (("guestbook", True), ("www-data", True), ("nobody", False), ("wagtailsite", False)):
        assert (host.run("setpriv --reuid %s --init-groups test -r %s", user, stored).rc == 0) == may_read, user


def test_nginx_serves_ranges_of_an_upload(guestbook, send, filename):
    path = send(filename, b"0123456789")
    answer = guestbook.get(path, range="bytes=2-4")
    assert (answer.status, answer.body) == (206, b"234")


def test_a_file_that_was_missing_is_served_at_once(host, guestbook, filename):
    """nginx remembers for two seconds that a static file is missing, but not an upload."""
    assert guestbook.get(f"/media/{filename}").status == 404
    host.check_output("printf new | install -o guestbook -g www-data -m 0640 /dev/stdin %s", f"{MEDIA}/{filename}")
    answer = guestbook.get(f"/media/{filename}")
    assert (answer.status, answer.body) == (200, b"new")


def test_an_uploaded_page_is_sandboxed(guestbook, send):
    path = send(f"page-{uuid.uuid4().hex}.html", b"<script>alert(1)</script>", "text/html")
    answer = guestbook.get(path)
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_browsers_revalidate_an_upload(guestbook, send):
    path = send(f"photo-{uuid.uuid4().hex[:8]}.0123456789ab.bin", b"some bytes")
    assert guestbook.get(path).headers.get_all("Cache-Control") == ["no-cache"]


def test_a_replaced_upload_is_served_soon(host, guestbook):
    """nginx keeps files open, and a release switches its files under the same path."""
    path = f"{MEDIA}/replaced.txt"
    write = "printf %s > %s && chmod 644 %s && mv %s %s"

    def put(word):
        host.check_output(write, word, f"{path}.new", f"{path}.new", f"{path}.new", path)

    def answers():
        # Enough to have asked every worker.
        return {guestbook.get("/media/replaced.txt").text for _asked in range(30)}

    put("old")
    try:
        assert answers() == {"old"}
        put("new")
        eventually(answers, until=lambda texts: texts == {"new"})
    finally:
        host.check_output("rm %s", path)


def test_a_large_upload_within_the_limit_is_accepted(guestbook, send, filename):
    content = os.urandom(15 * 1024 * 1024)
    assert guestbook.get(send(filename, content)).body == content


def test_a_body_over_the_limit_never_reaches_django(host, guestbook):
    """nginx refuses on the announced length alone: not one byte of the body has to be sent."""
    length = {"Content-Length": str(21 * 1024 * 1024), "Content-Type": "application/octet-stream"}
    answer = guestbook.request("POST", "/", length)
    assert answer.status == 413
    assert "Set-Cookie" not in answer.headers


def test_an_upload_without_the_csrf_token_is_refused(guestbook):
    answer = guestbook.submit("/", {"name": "x", "message": "y"}, {"attachment": ("x.bin", "image/png", b"x")})
    assert answer.status == 403


def test_the_media_directory_is_not_listed(guestbook, send, filename):
    send(filename, b"x")
    answer = guestbook.get("/media/")
    assert answer.status in (403, 404)
    assert filename not in answer.text
