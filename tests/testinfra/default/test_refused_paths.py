"""A visitor can fetch only the published directories, however the path is written."""

import json

import pytest
from helpers.http import raw

# Of files. A path of the app is its own matter.
DOTFILES = ["/static/.env", "/media/.htpasswd", "/static/%2eenv", "/static/a/.hidden/b", "/media/.git/config"]

ESCAPES = [
    "/static../env",
    "/static../static/admin/css/base.css",
    "/static..%2fstatic/admin/css/base.css",
    "/static/../env",
    "/static/..%2fenv",
    "/static/%2e%2e/env",
    "/static/%2e%2e%2fenv",
    "/static/..%5cenv",
    "/static/%252e%252e/env",
    "/static//../env",
    "/static/./../env",
    "//static/../env",
    "/static/..;/env",
    "/static/%00/../env",
    "/media../db.sqlite3",
    "/media..%2fdb.sqlite3",
    "/media/../db.sqlite3",
    "/media/%2e%2e/db.sqlite3",
    "/media//..//db.sqlite3",
    "/media/..%2f..%2fcurrent/env",
    "/../../../../etc/passwd",
    "/static/../../../../../etc/passwd",
    "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/static/release.json",
    "/web.sock",
]


def ask(address, path, name="guestbook.example.test"):
    """The path exactly as written: no client library tidies it up."""
    request = f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
    head, _end, body = raw(address, request.encode()).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize("path", DOTFILES)
def test_dotfiles_are_not_found(address, path):
    status, body = ask(address, path)
    assert status == 404
    assert b"nginx" in body  # Django was not even asked


@pytest.mark.parametrize("name", [".net/", ".gitignore", "a/.hidden/b", "%2enet/", ".well-known-not/x"])
def test_the_app_may_serve_paths_with_a_dot(address, name):
    status, body = ask(address, f"/sizes/{name}")
    assert status == 200
    assert json.loads(body)["name"] == name.replace("%2e", ".")


@pytest.mark.parametrize("path", ["/.env", "/.git/config", "/%2eenv"])
def test_the_app_answers_what_it_does_not_have(address, path):
    status, body = ask(address, path)
    assert status == 404
    assert b"nginx" not in body


@pytest.mark.parametrize("page", [502, 503, 504])
def test_error_pages_cannot_be_requested(address, page):
    status, body = ask(address, f"/gatehouse-pages/{page}.html")
    assert status == 404
    assert b"nginx" in body


@pytest.mark.parametrize(("name", "status"), [("visible", 200), (".hidden", 404), (".well-known/visible", 200)])
def test_a_dotfile_that_exists_is_not_found(host, address, name, status):
    path = f"/srv/guestbook/data/media/{name}"
    host.check_output("install -D -o guestbook -g www-data -m 0640 /etc/hostname %s", path)
    try:
        assert ask(address, f"/media/{name}")[0] == status
    finally:
        host.check_output("rm -r %s", f"/srv/guestbook/data/media/{name.partition('/')[0]}")


def test_well_known_paths_reach_the_app(guestbook):
    answer = guestbook.get("/.well-known/change-password")
    assert answer.status == 404
    assert answer.title() == "Not Found"  # Django's own page; nginx would say "404 Not Found"


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_leaves_its_directory(address, path):
    status, body = ask(address, path)
    assert status in (400, 404), body[:200]
    for secret in (b"SQLite format", b"SECRET_KEY", b"root:x:", b"#!"):
        assert secret not in body


@pytest.mark.parametrize("path", ["/static../static/admin/css/base.css", "/static/%2e%2e/env", "/media../db.sqlite3"])
def test_no_path_leaves_its_directory_on_the_wagtail_site(address, path):
    assert ask(address, path, "wagtail.example.test")[0] in (400, 404)


@pytest.mark.parametrize("secret", ["current/env", "data/db.sqlite3", "current/src/manage.py"])
def test_a_link_in_the_media_directory_serves_no_secret(host, address, secret):
    """The app can make links; nginx's own user must not be able to read what they lead to."""
    assert host.file(f"/srv/guestbook/{secret}").exists
    link = "/srv/guestbook/data/media/link.txt"
    host.check_output("ln -sfn /srv/guestbook/%s %s", secret, link)
    try:
        assert ask(address, "/media/link.txt")[0] in (403, 404)
    finally:
        host.check_output("rm %s", link)
