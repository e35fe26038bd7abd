"""An app without a release that it could serve."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import no_release
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer

APP = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; }"
UNANSWERED = ("http://shop.test/", Answer(502))


def test_an_app_that_cannot_answer(visit_to, release):
    visit = visit_to(APP, UNANSWERED)
    assert no_release.explain(visit) is None
    (release / ".complete").unlink()
    finding = no_release.explain(visit)
    assert finding.cause == (
        f"{release.parents[1]}/current does not lead to a complete release of shop, so the app cannot answer."
    )
    assert finding.remedy == "Deploy it: `ansible-playbook gatehouse.django.site`."
    (release.parents[1] / "current").unlink()
    assert "does not lead to a complete release of shop" in no_release.explain(visit).cause


def test_an_app_that_answers(visit_to, release):
    (release / ".complete").unlink()
    assert no_release.explain(visit_to(APP, ("http://shop.test/", Answer(500)))) is None


def test_an_application_of_others(visit_to):
    assert no_release.explain(visit_to("location / { proxy_pass http://127.0.0.1:1; }", UNANSWERED)) is None


def test_an_app_without_a_release_has_no_files_either(visit_to):
    text = "location /static/ { alias /srv/nosuchapp/current/static/; }"
    visit = visit_to(text, ("http://shop.test/static/x.css", Answer(404)))
    assert "/srv/nosuchapp/current does not lead to a complete release" in no_release.explain(visit).cause
