"""A redirect of an app of role django_app out of its prefix; test_pages.py of the scenario `doctor` has others."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import redirect_out_of_prefix
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

SITE = """location / { root /var/www/html; }
location /shop/ { proxy_pass http://unix:/srv/shop/current/web.sock; }"""


@pytest.fixture
def explain(visit_to, monkeypatch):
    """What the doctor says of a page of the app that redirects to a path, where nginx answers 404."""
    monkeypatch.setattr(redirect_out_of_prefix, "ask", lambda *_given: Answer(200))

    def explain(location):
        page = ("http://shop.test/shop/private/", Answer(302, location=location))
        return redirect_out_of_prefix.explain(visit_to(SITE, page, (f"http://shop.test{location}", Answer(404))))

    return explain


def test_the_inventory_is_changed_and_not_the_settings(explain):
    found = explain("/accounts/login/")
    assert "redirects out of /shop/" in found.cause
    assert "`prefix: /shop/`" in found.remedy
    assert "`ansible-playbook gatehouse.django.site -e app=shop`" in found.remedy
    assert "FORCE_SCRIPT_NAME" not in found.remedy


def test_a_redirect_within_the_prefix_is_another_cause(explain):
    assert explain("/shop/accounts/login/") is None
