"""Who answers what shows when one of the two is gone."""

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


def test_without_the_app_static_files_still_come(without_app, stylesheet):
    assert without_app[stylesheet].status == 200
    assert without_app[stylesheet].body


@pytest.mark.parametrize("path", ["/", "/healthz"])
def test_without_the_app_a_page_says_that_it_is_unavailable(without_app, path):
    page = without_app[path]
    assert page.status == 502
    assert page.title() == "Temporarily unavailable"
    assert page.headers["Content-Type"].split(";")[0] == "text/html"


def test_the_error_page_is_never_kept_by_a_cache(without_app):
    assert "no-store" in without_app["/"].headers["Cache-Control"]


def test_a_robot_is_told_when_to_come_back(without_app):
    assert int(without_app["/"].headers["Retry-After"]) > 0


def test_the_error_page_tells_nothing_of_the_inside(without_app):
    for word in ("/srv", "sock", "upstream", "gunicorn", "Traceback"):
        assert word not in without_app["/"].text


def test_one_app_that_is_down_takes_no_other_with_it(without_app):
    assert without_app["the other site"].status == 200


def test_when_the_app_is_started_again_pages_come_again(without_app, guestbook):
    assert without_app["afterwards"].status == 200
    assert without_app["afterwards"].title() not in OUR_PAGES
    assert guestbook.get("/healthz").text == "ok"


def test_an_app_that_dies_is_back_for_the_next_request(host, guestbook):
    service = unit(host, "guestbook", "service")
    before = host.check_output("systemctl show -P MainPID %s", service)
    assert before != "0"
    host.check_output("systemctl kill -s SIGKILL %s", service)
    # systemd holds the socket, so requests wait for the new process. One that arrives before systemd has seen the
    # death may still go to the old one.
    eventually(lambda: host.check_output("systemctl show -P MainPID %s", service) not in ("0", before))
    assert guestbook.get("/").status == 200


def test_the_errors_of_django_are_its_own(guestbook):
    answer = guestbook.get("/no-such-page")
    assert answer.status == 404
    assert answer.title() == "Not Found"
