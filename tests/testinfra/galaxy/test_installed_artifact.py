"""The collection as installed from its artifact: the site playbook, and the smallest call of the module."""

import pytest
from helpers.hosts import release_of, service_stopped, stopped
from helpers.http import Visitor, raw


@pytest.fixture
def myproject(address):
    return Visitor(address, "myproject.example.com")


@pytest.fixture
def guestbook(address):
    return Visitor(address, "guestbook.example.test")


def test_nginx_serves_the_stylesheet_from_disk(host, myproject):
    answer = myproject.get("/static/css/style.css")
    assert answer.status == 200
    assert answer.body == host.file("/var/www/myproject/static/css/style.css").content
    assert answer.headers["Content-Type"].split(";")[0] == "text/css"


def test_other_paths_are_passed_to_the_project(myproject):
    for path in ("/", "/any/path?q=1", "/static"):
        answer = myproject.get(path)
        assert answer.status == 200
        assert answer.json()["answered by"] == "the upstream myproject"
        assert answer.json()["path"] == path


def test_the_stylesheet_is_served_without_the_project(host, myproject):
    with service_stopped(host, "myproject", 8000):
        assert myproject.get("/static/css/style.css").status == 200
        assert myproject.get("/").title() == "Temporarily unavailable"
    assert myproject.get("/").status == 200


def test_the_site_playbook_deployed_the_app(host, guestbook):
    assert guestbook.get("/").status == 200
    assert guestbook.get("/whoami").json()["release"] == release_of(host, "guestbook")


def test_static_files_are_served_without_django(host, guestbook):
    with stopped(host, "guestbook"):
        assert guestbook.get("/static/admin/css/base.css").status == 200
        assert guestbook.get("/").status == 502
    assert guestbook.get("/").status == 200


def test_an_unknown_name_gets_no_answer(address):
    assert raw(address, b"GET / HTTP/1.1\r\nHost: unknown.example.test\r\n\r\n") == b""
