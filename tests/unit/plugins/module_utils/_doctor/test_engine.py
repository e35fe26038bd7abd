"""How symptoms, settings and certificates come together."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import engine, target
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer

SITES = """
server { server_name shop.test; location / { proxy_pass http://unix:/srv/shop/current/web.sock; } }
server { server_name blog.test; location / { proxy_pass http://unix:/srv/blog/current/web.sock; } }
"""


@pytest.fixture
def examine(doctor_host, monkeypatch):
    """examine(answers by path...): findings, the URLs that were asked, and the apps whose settings were compared."""

    def examine(answer=None, settings=(), url=None, causes=(), text=SITES, astray=None, stale=None):
        compared = []

        def visit_all(requests, find, hopeless):
            return [[(request, answer or Answer(200))] for request in requests]

        def of_settings(served):
            compared.extend(one.app for one in served)
            return [Finding(site, "a setting", "a line") for site in settings]

        monkeypatch.setattr(engine, "visit_all", visit_all)
        monkeypatch.setattr(engine, "examine", of_settings)
        monkeypatch.setattr(
            engine.answers, "explain", lambda host, steps, **options: [Finding(steps[-1][0].site, *causes)]
        ) if causes else monkeypatch.setattr(engine.answers, "explain", lambda *given, **options: [])
        monkeypatch.setattr(engine.nginx, "unread", lambda host, site: stale)
        monkeypatch.setattr(engine.name, "elsewhere", lambda host, name: astray)
        found, visits = engine.of_host(doctor_host(text), target.parse(url) if url else None)
        return found, [steps[0][0].url for steps in visits], compared

    return examine


def test_all_sites_are_asked_and_compared(examine):
    assert examine() == ([], ["http://shop.test/", "http://blog.test/"], ["shop", "blog"])


def test_only_the_site_that_is_asked_about(examine):
    found, asked, compared = examine(url="shop.test/x", settings=["shop.test", "blog.test"])
    assert ([finding.site for finding in found], asked, compared) == (["shop.test"], ["http://shop.test/x"], ["shop"])


def test_a_name_that_is_not_served_is_not_asked_for(examine):
    found, asked, compared = examine(url="shpo.test")
    assert "No server of this nginx has the name shpo.test" in found[0].cause
    assert (asked, compared) == ([], [])


@pytest.mark.parametrize("answer", [Answer(400), Answer(301, location="/")])
def test_settings_explain_better_than_the_answer(examine, answer):
    found, *_rest = examine(answer, settings=["shop.test"], causes=("an answer", "a guess"))
    assert [(finding.site, finding.cause) for finding in found] == [
        ("blog.test", "an answer"),
        ("shop.test", "a setting"),
    ]


@pytest.mark.parametrize("answer", [Answer(502), Answer(504), Answer(0, "hopeless")])
def test_an_app_that_does_not_answer_is_mended_first(examine, answer):
    assert examine(answer)[2] == []


def test_one_remedy_is_told_once(examine):
    text = SITES.replace("blog.test", "shop.test").replace(
        "server_name shop.test", "listen 81; server_name shop.test", 1
    )
    found, asked, _compared = examine(Answer(502), causes=("a cause", "a remedy"), text=text)
    assert (len(asked), len(found)) == (2, 1)


def test_what_nginx_has_not_read_comes_first(examine):
    stale = Finding("shop.test", "not read", "reload")
    assert examine(stale=stale)[0] == []
    found, *_rest = examine(Answer(502), causes=("a cause", "a remedy"), url="shop.test", stale=stale)
    assert [finding.cause for finding in found] == ["not read", "a cause"]


def test_where_the_name_leads_is_said_last(examine):
    astray = Finding("shop.test", "elsewhere", "DNS")
    assert examine(url="shop.test", astray=astray)[0] == [astray]
    assert examine(url="shop.test", astray=astray, settings=["shop.test"])[0][0].cause == "a setting"
    assert examine(astray=astray)[0] == []


def test_an_app_that_fails_is_not_waited_for(doctor_host, monkeypatch):
    monkeypatch.setattr(engine.apps, "is_failing", lambda run, app: app == "shop")
    host = doctor_host(SITES)
    first, second = target.pages(host)
    assert engine.is_hopeless(host, first)
    assert not engine.is_hopeless(host, second)
