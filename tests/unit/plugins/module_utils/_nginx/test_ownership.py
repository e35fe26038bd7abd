"""Whether Gatehouse manages nginx.conf, and options that need that."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import ownership
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import Generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Refused

HTTP3 = {"a": {"tls": {"http3": True}}, "b": {}}


@pytest.fixture(params=[True, False], ids=["untouched", "changed"])
def untouched(request, monkeypatch):
    """Whether the role nginx would manage nginx.conf."""
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


def test_http3_needs_a_managed_nginx_conf(untouched):
    assert refused(Generation(sites=HTTP3, owns_nginx_conf=True), check_mode=False) == ""
    assert refused(Generation(sites={"b": {}}), check_mode=False) == ""
    assert refused(Generation(sites=HTTP3), check_mode=False).startswith("site 'a': http3 needs an nginx.conf that")


def test_check_mode_before_the_first_run_assumes_a_managed_nginx_conf(untouched):
    assert (refused(Generation(sites=HTTP3), check_mode=True) == "") == untouched
