"""How the answers, the settings and the checks make a diagnosis."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import answers, engine
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, Symptom
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Problem
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import parse
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Step, Visit

SITES = """
server { server_name shop.test; location / { proxy_pass http://unix:/srv/shop/current/web.sock; } }
server { server_name blog.test; location / { proxy_pass http://unix:/srv/blog/current/web.sock; } }
"""


@pytest.fixture
def examine(doctor_host, monkeypatch):
    """examine(answer...): the findings, the requested URLs, and the apps whose settings were compared."""

    def examine(
        answer=None,
        settings=(),
        url=None,
        cause=None,
        text=SITES,
        dns=None,
        unread=None,
        killed=(),
        failing=(),
        symptom=None,
    ):
        compared = []

        def visit_all(host, requests, *, is_target):
            return [Visit(host, (Step(request, answer or Answer(200)),), is_target) for request in requests]

        def check_projects(sites):
            compared.extend(site.app for site in sites)
            return [Finding(site, "a setting", "a line", symptom=symptom) for site in settings]

        def check_memory(run, site, app, evidence):
            return [Finding(site, "a kill", "a limit")] if app in killed else []

        monkeypatch.setattr(engine, "visit_all", visit_all)
        monkeypatch.setattr(engine, "check_projects", check_projects)
        monkeypatch.setattr(engine, "check_memory", check_memory)
        monkeypatch.setattr(answers, "has_failing_app", lambda host, request: request.name in failing)
        monkeypatch.setattr(answers, "explain", lambda visit: Finding(visit.request.site, *cause) if cause else None)
        monkeypatch.setattr(engine, "check_unread", lambda host, site: unread)
        monkeypatch.setattr(engine, "check_dns", lambda host, name: dns)
        diagnosis = engine.check_host(doctor_host(text), parse(url) if url else None)
        return list(diagnosis.findings), [step.request.url for step in diagnosis.steps], compared

    return examine


def test_all_sites_are_requested_and_compared(examine):
    assert examine() == ([], ["http://shop.test/", "http://blog.test/"], ["shop", "blog"])


def test_only_the_site_that_the_operator_names(examine):
    found, urls, compared = examine(url="shop.test/x", settings=["shop.test", "blog.test"])
    assert ([finding.site for finding in found], urls, compared) == (["shop.test"], ["http://shop.test/x"], ["shop"])


def test_a_name_that_is_not_served_is_not_requested(examine):
    found, urls, compared = examine(url="shpo.test")
    assert "nginx has no server with the name shpo.test" in found[0].cause
    assert (urls, compared) == ([], [])


@pytest.mark.parametrize(
    ("answer", "symptom"),
    [(Answer(400), Symptom.BAD_REQUEST), (Answer(301, location="/"), Symptom.REDIRECT)],
)
def test_settings_explain_better_than_the_answer(examine, answer, symptom):
    found, *_rest = examine(answer, settings=["shop.test"], cause=("an answer", "a guess"), symptom=symptom)
    assert [(finding.site, finding.cause, finding.explains) for finding in found] == [
        ("blog.test", "an answer", (f"http://blog.test/: {answer.status}",)),
        ("shop.test", "a setting", (f"http://shop.test/: {answer.status}",)),
    ]


@pytest.mark.parametrize("symptom", [None, Symptom.FORM, Symptom.REDIRECT])
def test_a_setting_that_leads_to_something_else_explains_no_answer(examine, symptom):
    found, *_rest = examine(Answer(400), settings=["shop.test"], cause=("an answer", "a guess"), symptom=symptom)
    assert [(finding.site, finding.cause) for finding in found if finding.site == "shop.test"] == [
        ("shop.test", "an answer"),
        ("shop.test", "a setting"),
    ]
    assert found[-1].explains == ()


@pytest.mark.parametrize("answer", [Answer(502), Answer(504), Answer(0, Problem.APP_FAILS)])
def test_the_settings_of_an_app_that_does_not_answer_are_not_compared(examine, answer):
    assert examine(answer)[2] == []


def test_a_kill_explains_why_an_app_is_down(examine):
    found, *_rest = examine(Answer(502), cause=("an answer", "r"), killed=["shop", "blog"], failing=["shop.test"])
    assert [(finding.site, finding.cause) for finding in found] == [
        ("shop.test", "a kill"),
        ("blog.test", "a kill"),
        ("blog.test", "an answer"),
    ]


def test_the_evidence_of_kills_is_read_once_for_all_apps(examine, monkeypatch):
    read = []
    monkeypatch.setattr(engine, "read_evidence", lambda run, apps: read.append(list(apps)))
    examine()
    assert read == [["shop", "blog"]]


def test_one_remedy_is_reported_once(examine):
    text = SITES.replace("blog.test", "shop.test").replace(
        "server_name shop.test", "listen 81; server_name shop.test", 1
    )
    found, urls, _compared = examine(Answer(502), cause=("a cause", "a remedy"), text=text)
    assert (len(urls), len(found)) == (2, 1)


def test_a_file_that_nginx_has_not_read_comes_first(examine):
    unread = Finding("shop.test", "not read", "reload")
    assert examine(unread=unread)[0] == []
    found, *_rest = examine(Answer(502), cause=("a cause", "a remedy"), url="shop.test", unread=unread)
    assert [finding.cause for finding in found] == ["not read", "a cause"]


def test_dns_is_checked_where_nothing_else_is_wrong(examine):
    dns = Finding("shop.test", "elsewhere", "DNS")
    assert examine(url="shop.test", dns=dns)[0] == [dns]
    # A setting that explains nothing that was seen.
    found, *_rest = examine(url="shop.test", dns=dns, settings=["shop.test"])
    assert [finding.cause for finding in found] == ["a setting", "elsewhere"]
    found, *_rest = examine(Answer(502), url="shop.test", dns=dns, cause=("a cause", "a remedy"))
    assert [finding.cause for finding in found] == ["a cause"]
    assert examine(dns=dns)[0] == []


def test_settings_without_a_request(doctor_host, monkeypatch):
    monkeypatch.setattr(
        engine, "check_projects", lambda sites: [Finding(site.site, "a setting", "a line") for site in sites]
    )
    host = doctor_host(SITES)
    assert [finding.site for finding in engine.check_settings(host, None)] == ["shop.test", "blog.test"]
    assert [finding.site for finding in engine.check_settings(host, parse("blog.test"))] == ["blog.test"]
