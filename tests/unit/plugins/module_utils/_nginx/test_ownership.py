"""Who owns nginx.conf, and what needs it to be ours."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import ownership
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import Generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Refused

HTTP3 = {"a": {"tls": {"http3": True}}, "b": {}}


@pytest.fixture(params=[True, False], ids=["untouched", "somebody's"])
def untouched(request, monkeypatch):
    """Whether the role nginx would make nginx.conf ours."""
    monkeypatch.setattr(
        ownership,
        "decide_nginx_conf",
        lambda _run, _host, manage: (request.param and manage == "auto", None),
    )
    return request.param


def refused(candidate, check_mode):
    try:
        ownership.refuse_http3(None, {}, candidate, check_mode)
    except Refused as refusal:
        return str(refusal)
    return ""


def test_http3_needs_an_nginx_conf_of_ours(untouched):
    assert refused(Generation(sites=HTTP3, owns_nginx_conf=True), check_mode=False) == ""
    assert refused(Generation(sites={"b": {}}), check_mode=False) == ""
    assert refused(Generation(sites=HTTP3), check_mode=False).startswith("site 'a': http3 needs an nginx.conf that")


def test_before_a_first_run_the_role_nginx_would_have_made_it_ours(untouched):
    assert (refused(Generation(sites=HTTP3), check_mode=True) == "") == untouched
