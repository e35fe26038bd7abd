"""An app without a release that it could serve."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import no_release
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

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


def test_the_last_attempt_to_deploy_it(visit_to, release):
    home = release.parents[1]
    (home / "current").unlink()
    (home / "failed" / "2").mkdir(parents=True)
    (home / "failed" / "2" / "env").write_text('API_KEY="s3cr3t"\n')
    traceback = 'Traceback (most recent call last):\n  File "views.py", line 3, in page\nKeyError: s3cr3t\n'
    outputs = [("journalctl _SYSTEMD_UNIT=shop-web@2.service", traceback)]
    finding = no_release.explain(visit_to(APP, UNANSWERED, outputs=outputs))
    last = "The last attempt failed. Last line of its journal: KeyError: ******** (views.py, line 3)"
    assert finding.cause.endswith(last)
    assert f"kept in {home}/failed/2; `journalctl -u shop-web@2.service` shows its log." in finding.remedy
    finding = no_release.explain(visit_to(APP, UNANSWERED))
    assert finding.cause.endswith("so the app cannot answer. The last attempt failed.")


def test_an_app_that_answers(visit_to, release):
    (release / ".complete").unlink()
    assert no_release.explain(visit_to(APP, ("http://shop.test/", Answer(500)))) is None


def test_an_application_of_others(visit_to):
    assert no_release.explain(visit_to("location / { proxy_pass http://127.0.0.1:1; }", UNANSWERED)) is None


def test_an_app_without_a_release_has_no_files_either(visit_to):
    text = "location /static/ { alias /srv/nosuchapp/current/static/; }"
    visit = visit_to(text, ("http://shop.test/static/x.css", Answer(404)))
    assert "/srv/nosuchapp/current does not lead to a complete release" in no_release.explain(visit).cause
