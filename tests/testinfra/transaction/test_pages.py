"""Error pages of a site's own, and robots.txt, favicon.ico and security.txt from the same directory."""

import pytest
from helpers.sites import extra

# What a text would not survive: both kinds of newlines, and bytes that are no UTF-8.
ICON = b"\x00\x00\x01\x00\r\n\n\r\xff\xfe\x80icon"
OWN = {
    "400.html": "<title>Not like this</title>",
    "404.html": "<title>Nothing here</title>",
    "413.html": "<title>Too big, käse</title>",
    "502.html": "<title>Gone for lunch</title>",
    "503.html": "<title>Painting</title>",
    "robots.txt": "User-agent: *\nDisallow: /admin/\n",
    "security.txt": "Contact: mailto:security@example.test\n",
}


@pytest.fixture
def publish(driver, tmp_path, undo):
    for name, content in OWN.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "favicon.ico").write_bytes(ICON)
    driver.shell("mkdir -p /srv/pages-files")
    undo("rm -r /srv/pages-files")

    def publish(**options):
        result = driver.publish(site(tmp_path, **options))
        assert not result["failed"], result["msg"]
        return result

    return publish


def site(pages, port=8000, **options):
    files = {"path": "/files/", "alias": "/srv/pages-files/"}
    app = {"path": "/", "proxy_pass": f"http://127.0.0.1:{port}"}
    return extra(locations=[files, app], pages=str(pages), snippet=None, **options)


def test_own_pages(extra, publish):
    publish(client_max_body_size="1k", headers={"X-A": "b"})
    missing = extra.get("/files/none.css")
    assert (missing.status, missing.title()) == (404, "Nothing here")
    assert (missing.headers["Cache-Control"], missing.headers["X-A"]) == ("no-store", "b")
    large = extra.request("POST", "/", body=b"x" * 2000)
    assert (large.status, large.title()) == (413, "Too big, käse")
    # The application's 404 is its own.
    own = extra.get("/?status=404")
    assert (own.status, own.json()["answered by"]) == (404, "the upstream shop")


def test_a_cookie_that_is_too_large(extra, publish):
    publish()
    answer = extra.get("/", cookie="x" * 33_000)
    assert (answer.status, answer.title()) == (400, "Not like this")


def test_an_application_that_is_down(extra, publish):
    publish(port=9)
    answer = extra.get("/")
    assert (answer.status, answer.title(), answer.headers["Retry-After"]) == (502, "Gone for lunch", "60")
    publish(maintenance=True)
    assert extra.get("/").title() == "Painting"


def test_pages_that_are_not_given_are_those_of_gatehouse(extra, publish):
    publish(rate="1r/m", burst=0)
    assert extra.get("/").status == 200
    assert extra.get("/").title() == "Too many requests"


def test_an_own_page_for_too_many_requests(extra, publish, tmp_path):
    (tmp_path / "429.html").write_text("<title>Slowly</title>", encoding="utf-8")
    publish(rate="1r/m", burst=0)
    assert extra.get("/").status == 200
    refused = extra.get("/")
    assert (refused.status, refused.title(), refused.headers["Retry-After"]) == (429, "Slowly", "60")


def test_other_files(extra, publish):
    publish(headers={"X-A": "b"})
    robots, security, icon = map(extra.get, ("/robots.txt", "/.well-known/security.txt", "/favicon.ico"))
    assert (robots.text, robots.headers["Content-Type"]) == (OWN["robots.txt"], "text/plain; charset=utf-8")
    assert (security.text, security.headers["Content-Type"]) == (OWN["security.txt"], "text/plain; charset=utf-8")
    assert (icon.body, icon.headers["Content-Type"]) == (ICON, "image/x-icon")
    assert [answer.headers["X-A"] for answer in (robots, security, icon)] == ["b", "b", "b"]
    # They are no way to the other pages.
    assert extra.get("/gatehouse-pages/413.html").title() == "Nothing here"


def test_a_password_covers_them(extra, publish):
    publish(basic_auth={"ann": "x"})
    assert [extra.get(path).status for path in ("/robots.txt", "/favicon.ico", "/files/none")] == [401] * 3


def test_they_change_in_a_transaction_and_stay_with_other_sites(driver, extra, publish, tmp_path):
    publish()
    assert not publish()["changed"]
    (tmp_path / "404.html").write_text("<title>Moved</title>")
    changed = publish()
    assert [part["after"] for part in changed["diff"]] == ["<title>Moved</title>"]
    driver.publish(
        {
            "name": "other",
            "server_name": ["other.example.test"],
            "locations": [{"path": "/", "alias": "/srv/pages-files/"}],
        }
    )
    assert extra.get("/files/none").title() == "Moved"
    assert extra.get("/favicon.ico").body == ICON
    (tmp_path / "404.html").unlink()
    publish()
    assert "nginx" in extra.get("/files/none").text
    assert extra.get("/favicon.ico").body == ICON


def test_an_unknown_file_is_refused(driver, tmp_path, refuse):
    (tmp_path / "404.htm").write_text("x")
    message = refuse(site(tmp_path))
    assert f"site 'extra': pages '{tmp_path}': unknown file '404.htm': did you mean '404.html'?" in message
    assert message.endswith("Nothing was changed.")
