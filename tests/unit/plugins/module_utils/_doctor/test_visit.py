"""What a cause needs to know about an answer."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Problem


@pytest.mark.parametrize(
    ("answer", "is_unanswered"),
    [
        (Answer(502), True),
        (Answer(504), True),
        (Answer(0, Problem.TIMEOUT), True),
        (Answer(0, Problem.APP_FAILS), True),
        (Answer(0, Problem.CLOSED), False),
        (Answer(500), False),
        (Answer(200), False),
    ],
)
def test_whether_the_application_answered(visit_to, answer, is_unanswered):
    step = ("http://shop.test/", answer)
    assert visit_to("location / { proxy_pass http://a; }", step).is_unanswered is is_unanswered
    assert visit_to("return 200;", step).is_unanswered is False


def test_the_file_of_an_answer(visit_to):
    def paths(text, status=404):
        found = visit_to(text, ("http://shop.test/static/x.css", Answer(status)))
        return found.place and found.place.path, found.file and found.file.path

    alias = "location /static/ { alias /srv/static/; MORE }"
    assert paths(alias.replace("MORE", "")) == ("/srv/static/x.css", "/srv/static/x.css")
    assert paths(alias.replace("MORE", "internal;")) == ("/srv/static/x.css", None)
    assert paths(alias.replace("MORE", ""), 500) == (None, None)
    assert paths("location / { proxy_pass http://a; }") == (None, None)
    assert paths("location ~ ^/static/(.+)$ { alias /srv/users/$1; }") == (None, None)


def test_the_last_step_counts(visit_to):
    found = visit_to(
        "return 200;", ("http://shop.test/a", Answer(301, location="/b")), ("http://shop.test/b", Answer(200))
    )
    assert (found.request.path, found.status) == ("/b", 200)
