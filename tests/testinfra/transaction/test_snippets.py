"""A snippet that would take files from the site, or whose error page nginx would ignore, is refused."""

import pytest
from helpers.sites import extra as site

FILES = {"path": "/static/", "alias": "/srv/snippet-files/"}
TAKES = r"location ~* \.(css|js)$ { expires 30d; }"
IGNORED = "error_page 502 /oops.html; location = /oops.html { return 200 oops; }"
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
