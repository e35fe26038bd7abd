"""What nginx answers while the app is stopped, and what Django answers itself."""

import pytest
from helpers.hosts import eventually, stopped, unit
from helpers.http import Visitor

OUR_PAGES = {"Temporarily unavailable", "Taking too long", "Down for maintenance"}


@pytest.fixture(scope="module")
def without_app(host, address, stylesheet):
    """What visitors got while the guestbook was stopped, and the first answer after its start."""
    guestbook, wagtail = (Visitor(address, f"{name}.example.test") for name in ("guestbook", "wagtail"))
    with stopped(host, "guestbook"):
        answers = {path: guestbook.get(path) for path in ("/", "/healthz", stylesheet)}
        answers["the other site"] = wagtail.get("/")
    answers["afterwards"] = guestbook.get("/")
    return answers


def test_static_files_are_served_without_the_app(without_app, stylesheet):
    assert without_app[stylesheet].status == 200
    assert without_app[stylesheet].body


@pytest.mark.parametrize("path", ["/", "/healthz"])
def test_pages_get_the_502_page_without_the_app(without_app, path):
    page = without_app[path]
    assert page.status == 502
    assert page.title() == "Temporarily unavailable"
    assert page.headers["Content-Type"].split(";")[0] == "text/html"


def test_the_error_page_is_not_cached(without_app):
    assert "no-store" in without_app["/"].headers["Cache-Control"]


def test_the_error_page_has_retry_after(without_app):
    assert int(without_app["/"].headers["Retry-After"]) > 0


def test_the_error_page_reveals_no_internals(without_app):
    for word in ("/srv", "sock", "upstream", "gunicorn", "Traceback"):
        assert word not in without_app["/"].text


def test_other_apps_are_served_while_one_is_down(without_app):
    assert without_app["the other site"].status == 200


def test_pages_are_served_when_the_app_is_started_again(without_app, guestbook):
    assert without_app["afterwards"].status == 200
    assert without_app["afterwards"].title() not in OUR_PAGES
    assert guestbook.get("/healthz").text == "ok"


def test_a_killed_app_answers_the_next_request(host, guestbook):
    service = unit(host, "guestbook", "service")
    before = host.check_output("systemctl show -P MainPID %s", service)
    assert before != "0"
    host.check_output("systemctl kill -s SIGKILL %s", service)
    # systemd holds the socket, so requests wait for the new process. One that arrives before systemd has seen the
    # death may still go to the old one.
    eventually(lambda: host.check_output("systemctl show -P MainPID %s", service) not in ("0", before))
    assert guestbook.get("/").status == 200


def test_error_pages_of_django_are_passed_on(guestbook):
    answer = guestbook.get("/no-such-page")
    assert answer.status == 404
    assert answer.title() == "Not Found"
