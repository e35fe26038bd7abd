"""Which cause explains an answer: the first in the list that finds something."""

from __future__ import annotations

import pkgutil

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import causes
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import CAUSES, explain
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Problem

URL = "http://shop.test"
SITE = """location / { proxy_pass http://UPSTREAM; MORE }
    location /static/ { alias TMP/static/; }
    location /closed/ { return 503; }"""


@pytest.fixture
def cause_of(visit_to, listener):
    """cause_of(answer): the name of the cause that explains it, None for none."""

    def cause_of(answer, path="/", more="", is_target=True):
        text = SITE.replace("UPSTREAM", listener).replace("MORE", more)
        visit = visit_to(text, (f"{URL}{path}", answer), is_target=is_target)
        found = [cause.__module__.rpartition(".")[2] for cause in CAUSES if cause(visit)]
        assert bool(explain(visit)) == bool(found)
        return found[0] if found else None

    return cause_of


def test_every_file_is_in_the_list_once():
    files = {module.name for module in pkgutil.iter_modules(causes.__path__)}
    names = [cause.__module__.rpartition(".")[2] for cause in CAUSES]
    assert set(names) == files
    assert len(names) == len(files)


@pytest.mark.parametrize("status", [200, 204, 302, 304])
def test_an_answer_without_a_problem(cause_of, status):
    assert cause_of(Answer(status)) is None


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410, 429])
def test_an_answer_that_may_be_intended_unless_the_operator_names_the_page(cause_of, status):
    assert cause_of(Answer(status), is_target=False) is None
    assert cause_of(Answer(status)) in ("refused_status", "no_file_location", "unexplained")


@pytest.mark.parametrize(
    ("answer", "path", "expected"),
    [
        (Answer(0, Problem.REFUSED), "/", "not_listening"),
        (Answer(0, Problem.TLS), "/", "closed_connection"),
        (Answer(0, Problem.CLOSED), "/static/x.css", "closed_connection"),
        (Answer(502), "/", "upstream_failure"),
        (Answer(504), "/", "slow_app"),
        (Answer(0, Problem.TIMEOUT), "/", "slow_app"),
        (Answer(0, Problem.APP_FAILS), "/", "upstream_failure"),
        (Answer(0, Problem.TIMEOUT), "/static/x.css", "unexplained"),
        (Answer(431), "/", "refused_status"),
        (Answer(418), "/", "unexplained"),
        (Answer(500), "/", "app_error"),
        (Answer(503), "/", "app_error"),
        (Answer(503), "/closed/", "nginx_error"),
        (Answer(400), "/", "bad_request"),
        (Answer(400), "/static/x.css", "unexplained"),
        (Answer(404), "/static/x.css", "collectstatic"),
        (Answer(403), "/static/x.css", "collectstatic"),
        (Answer(404), "/statik/x.css", "no_file_location"),
    ],
)
def test_the_cause_of_an_answer(cause_of, answer, path, expected):
    assert cause_of(answer, path) == expected


def test_a_rule_of_nginx_comes_before_the_application(cause_of):
    assert cause_of(Answer(403), more="deny all;") == "refused_request"
    assert cause_of(Answer(403)) == "refused_status"


def test_a_missing_page_matters_only_where_the_operator_names_it(cause_of):
    assert cause_of(Answer(404), is_target=False) is None


def first_cause(visit):
    return next((cause.__module__.rpartition(".")[2] for cause in CAUSES if cause(visit)), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A directory is absent because its app has no release.
        ("location /static/ { alias /srv/nosuchapp/current/static/; }", "no_release"),
        ("location /static/ { internal; alias TMP/none/; }", "refused_request"),
        ("location /static/ { alias TMP/link/; disable_symlinks on from=TMP/; }", "untrusted_link"),
        ("location /static/ { alias TMP/none/; }", "collectstatic"),
        ("location /static/ { alias TMP/; }", "missing_file"),
    ],
)
def test_the_order_for_a_missing_file(visit_to, tmp_path, text, expected):
    (tmp_path / "link").symlink_to("none")
    assert first_cause(visit_to(text, (f"{URL}/static/x.css", Answer(404)))) == expected


def test_the_order_for_an_app_that_does_not_answer(visit_to, release):
    def cause(**states):
        outputs = [(f"systemctl show shop-web@1.{unit}", state) for unit, state in states.items()]
        text = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; }"
        return first_cause(visit_to(text, (f"{URL}/", Answer(502)), outputs=outputs))

    active = "LoadState=loaded\nActiveState=active\n"
    assert cause(service=active, socket=active) == "upstream_failure"
    (release / "web.sock").unlink()
    assert cause(service=active, socket=active) == "socket_file"
    assert cause(service=active, socket="ActiveState=inactive\n") == "socket_unit"
    assert cause(service="ActiveState=failed\n", socket="ActiveState=inactive\n") == "failing_service"
    (release / ".complete").unlink()
    assert cause(service="ActiveState=failed\n", socket="ActiveState=inactive\n") == "no_release"
