"""Dotfiles on the disk are not published, also by directives of the operator; an application answers its own paths."""

import pytest
from helpers.sites import extra as site

PROXY = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}
FILES = "/srv/files"
HIDDEN = (".secret", ".well-known-not/x", "a/.hidden/b")
NAMES = ("plain", ".well-known/x", *HIDDEN)
# Each publishes the directory in another way.
LOCATIONS = f"""
location /root/ {{ root {FILES}; }}
location /alias/ {{ alias {FILES}/root/; }}
location /try/ {{ root {FILES}; try_files $uri =404; }}
"""


@pytest.fixture(autouse=True)
def files(driver, undo):
    undo(f"rm -r {FILES}")
    for name in NAMES:
        driver.shell(f"mkdir -p $(dirname {FILES}/root/{name}); echo on-the-disk >{FILES}/root/{name}")
    driver.shell(f"cp -r {FILES}/root {FILES}/try")


def publish(driver, snippet, *locations):
    done = driver.publish(site(snippet=snippet, locations=list(locations)))
    assert not done["failed"], done["msg"]


def check(extra, directory):
    for name in ("plain", ".well-known/x"):
        assert extra.get(f"{directory}{name}").text == "on-the-disk\n"
    for name in HIDDEN:
        answer = extra.get(f"{directory}{name}")
        assert (answer.status, "nginx" in answer.text) == (404, True), directory + name


def test_locations_of_the_site_and_of_the_operator(driver, extra):
    publish(driver, LOCATIONS, {"path": "/own/", "alias": f"{FILES}/root/"}, PROXY)
    for directory in ("/own/", "/root/", "/alias/", "/try/"):
        check(extra, directory)
    for path in ("/tags/.net/", "/files/.gitignore", "/.env"):
        assert extra.get(path).json()["answered by"] == "the upstream shop"


def test_a_server_whose_files_the_operator_publishes(driver, extra):
    publish(driver, f"root {FILES};", PROXY | {"path": "/app/"})
    check(extra, "/root/")
    assert extra.get("/app/.net").json()["answered by"] == "the upstream shop"


def test_regular_expressions_of_the_operator_go_first(driver, extra):
    """Then nginx cannot know whether a path is one of the application."""
    publish(driver, f"location ~ ^/root/ {{ root {FILES}; }}", PROXY)
    check(extra, "/root/")
    assert extra.get("/tags/net/").json()["answered by"] == "the upstream shop"
    assert extra.get("/tags/.net/").status == 404


def test_a_location_with_a_dot(driver, extra):
    publish(driver, "", PROXY | {"path": "/.hidden/"})
    assert extra.get("/.hidden/x").json()["answered by"] == "the upstream shop"
    alias = {"path": "/.docs/", "alias": f"{FILES}/root/"}
    assert "nginx answers such paths of files with 404" in driver.publish(site(locations=[alias]))["msg"]
