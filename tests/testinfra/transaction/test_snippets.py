"""A snippet that would take files from the site, whose headers nginx would ignore or send twice, or whose error page it
would ignore, is refused.
"""

import pytest
from helpers.sites import extra as site

FILES = {"path": "/static/", "alias": "/srv/snippet-files/"}
TAKES = r"location ~* \.(css|js)$ { expires 30d; }"
IGNORED = "error_page 502 /oops.html; location = /oops.html { return 200 oops; }"
# What a location of the site undoes, because it has directives of this kind itself.
UNDONE = "add_header X-Own mine always; proxy_set_header X-Tenant mine;"
TWICE = "proxy_set_header Host other.example.test;"
APP = {"path": "/", "proxy_pass": "http://127.0.0.1:9"}


@pytest.fixture
def publish(driver, undo):
    driver.shell("mkdir -p /srv/snippet-files; echo body >/srv/snippet-files/a.css")
    undo("rm -r /srv/snippet-files /srv/snippet.conf")
    return lambda snippet: driver.publish(site(snippet=snippet, locations=[FILES, APP]))


def test_what_nginx_would_do_is_refused(publish, driver, extra):
    for snippet, word in ((TAKES, "so nginx answers 404 there"), (IGNORED, "nginx ignores it for 502")):
        refused = publish(snippet)
        assert refused["failed"]
        assert word in refused["msg"]
    # The module does not read files that a snippet includes: this is what nginx does.
    driver.shell(f"cat >/srv/snippet.conf <<'END'\n{TAKES}\n{IGNORED}\nEND")
    assert not publish("include /srv/snippet.conf;")["failed"]
    assert extra.get("/static/a.css").status == 404
    answer = extra.get("/")
    assert (answer.status, "oops" in answer.text) == (502, False)
    assert not publish("")["failed"]
    assert extra.get("/static/a.css").text == "body\n"


def test_headers_that_nginx_would_ignore_or_send_twice_are_refused(driver, extra, undo):
    app = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}

    def publish(snippet="", of_location=""):
        return driver.publish(site(snippet=snippet, locations=[app | {"snippet": of_location}], headers={"X-A": "1"}))

    for given, words in (
        ({"snippet": "add_header X-Own mine always;"}, ("'add_header X-Own mine always'", "'headers'")),
        ({"snippet": "proxy_set_header X-Tenant mine;"}, ("'proxy_set_header X-Tenant mine'", "of that location")),
        ({"of_location": TWICE}, ("nginx sends Host already",)),
    ):
        refused = publish(**given)
        assert refused["failed"]
        assert [word for word in words if word not in refused["msg"]] == []
    # As above: what nginx does.
    undo("rm /srv/undone.conf /srv/twice.conf")
    driver.shell(f"echo '{UNDONE}' >/srv/undone.conf; echo '{TWICE}' >/srv/twice.conf")
    assert not publish("include /srv/undone.conf;", "include /srv/twice.conf;")["failed"]
    answer = extra.get("/")
    assert (answer.headers["X-Own"], answer.headers["X-A"]) == (None, "1")
    sent = answer.json()
    assert "X-Tenant" not in sent["headers"]
    assert sorted(sent["hosts"]) == ["extra.example.test", "other.example.test"]
