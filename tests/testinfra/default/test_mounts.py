"""Several apps under one name: the guestbook below /guests/ of the Wagtail site. Neither project knows of it."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from helpers.hosts import make_superuser
from helpers.http import Visitor
from helpers.play import inventory, run_play
from helpers.websocket import TEXT, Websocket

NAME = "wagtail.example.test"
LOGIN = "/guests/admin/login/"
PASSWORD = "correct horse battery staple"
SECRET = "for guests only"
SITE = Path(__file__).parent / "site.yml"


@pytest.fixture(scope="module")
def guest(host, address):
    """A visitor who is logged in to the mounted app."""
    make_superuser(host, "guests", PASSWORD)
    visitor = Visitor(address, NAME)
    assert visitor.log_in(LOGIN, "visitor", PASSWORD).status == 302
    return visitor


def test_a_page_refers_to_its_files_below_the_prefix(host, wagtail):
    page = wagtail.get("/guests/").text
    links = re.findall(r'(?:href|src)="(/[^"]+)"', page)
    assert "/guests/admin/" in links
    assert all(link.startswith("/guests/") for link in links)
    sheet = next(link for link in links if link.endswith(".css"))
    answer = wagtail.get(sheet)
    assert (answer.status, answer.headers["Cache-Control"].rpartition(" ")[2]) == (200, "immutable")
    assert answer.body == host.file(f"/srv/guests/current{sheet.removeprefix('/guests')}").content


def test_the_app_of_the_site_has_all_other_paths(wagtail):
    assert "Wagtail" in wagtail.get("/").text
    assert wagtail.get("/guestsbook/").status == 404
    assert wagtail.get("/whoami/").status == 404


@pytest.mark.parametrize("query", ["", "?a=%20b"])
def test_the_prefix_without_its_slash_is_redirected(wagtail, query):
    answer = wagtail.get(f"/guests{query}")
    assert (answer.status, answer.headers["Location"]) == (308, f"/guests/{query}")


def test_django_redirects_below_the_prefix(wagtail):
    assert wagtail.get("/guests/admin/").headers["Location"] == "/guests/admin/login/?next=/guests/admin/"
    assert wagtail.get("/guests/admin").headers["Location"] == "/guests/admin/"


def test_logins_of_both_apps_last(guest, wagtail_password):
    assert guest.log_in("/admin/login/", "visitor", wagtail_password).status == 302
    for path in ("/admin/", "/guests/admin/"):
        assert guest.get(path).status == 200
    assert {"sessionid", "sessionid_guests"} <= guest.cookies.keys()


def test_the_session_of_a_mounted_app_is_sent_to_it_only(guest):
    token = guest.get("/guests/").csrf_token()
    fields = {"username": "visitor", "password": PASSWORD, "csrfmiddlewaretoken": token, "next": "/guests/admin/"}
    cookies = guest.submit(LOGIN, fields).headers.get_all("Set-Cookie")
    assert [cookie for cookie in cookies if cookie.startswith("sessionid_guests=") and "Path=/guests/;" in cookie]


def test_a_client_cannot_set_the_prefix(wagtail):
    forged = {name: "/evil" for name in ("SCRIPT_NAME", "Script-Name", "X-Script-Name", "X-Forwarded-Prefix")}
    assert "/evil" not in wagtail.request("GET", "/guests/", forged).text


def test_a_websocket(address):
    with Websocket(address, NAME, "/guests/ws/echo") as websocket:
        assert websocket.status == 101
        websocket.send(TEXT, b"hello")
        assert websocket.receive() == (TEXT, b"hello")


def test_a_protected_file(host, guest, wagtail):
    directory = "/srv/guests/data/protected"
    host.check_output("install -d -o guests -g www-data -m 2750 %s", directory)
    host.check_output("echo %s > %s/a.txt && chmod 0644 %s/a.txt", SECRET, directory, directory)
    # The project sends /protected-files/a.txt.
    assert guest.get("/guests/protected/a.txt").text.strip() == SECRET
    assert wagtail.get("/guests/protected/a.txt").status == 302
    assert guest.get("/guests/protected-files/a.txt").status == 404


def test_rules_below_the_prefix(wagtail):
    assert wagtail.get("/guests/sleep?seconds=0").status == 403
    assert wagtail.get("/guests/healthz").status == 200


def test_management_commands_make_the_same_urls(host):
    code = "from django.urls import reverse; from django.conf import settings"
    code += "; print(reverse('admin:index'), settings.STATIC_URL)"
    assert host.check_output("/srv/guests/manage shell -v0 -c %s", code).endswith("/guests/admin/ /guests/static/")


@pytest.fixture
def under_wsgi(host):
    """The mounted app with two processes under WSGI."""
    apps = yaml.safe_load((inventory(host) / "group_vars/all.yml").read_text())["django_apps"]
    changed = [app | {"interface": "wsgi", "workers": 2} if app["name"] == "guests" else app for app in apps]
    run_play(SITE, host, app="guests", django_apps=changed)
    yield
    run_play(SITE, host, app="guests")


@pytest.mark.long
def test_each_process_under_wsgi_has_the_prefix(under_wsgi, address):
    def seen(_number):
        visitor = Visitor(address, NAME)
        told = visitor.get("/guests/whoami").json()
        links = re.findall(r'(?:href|src)="(/[^"]+)"', visitor.get("/guests/").text)
        return told["interface"], told["pid"], all(link.startswith("/guests/") for link in links)

    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(seen, range(200)))
    assert {(interface, right) for interface, _pid, right in found} == {("wsgi", True)}
    assert len({pid for _interface, pid, _right in found}) == 2
