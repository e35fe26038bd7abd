"""Diagnoses of several hosts as lines."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import diagnosis

FINDING = {
    **{"site": "shop.test", "cause": "nginx cannot reach it.", "remedy": "`chmod o+x /srv/shop`"},
    "explains": ["https://shop.test/: 502", "https://shop.test/a: 502"],
}
TAKEOVER = {"site": "old.test", "plan": ["served by old.service"], "command": "`ansible-playbook takeover`"}


def test_the_diagnoses_of_several_hosts():
    asked = [{"url": "https://shop.test/", "status": 502}, {"url": "https://old.test/", "status": 0}]
    web1 = {"asked": asked, "findings": [FINDING, FINDING | {"explains": []}], "takeovers": []}
    web2 = {"asked": [], "findings": [], "takeovers": [TAKEOVER]}
    assert diagnosis.doctor_lines({"web1": web1, "web2": web2}) == [
        "web1: requests and answers",
        "  https://shop.test/: 502",
        "  https://old.test/: no answer",
        "",
        "web1: shop.test",
        "  Cause:    nginx cannot reach it.",
        "  Remedy:   `chmod o+x /srv/shop`",
        "  Explains: https://shop.test/: 502",
        "            https://shop.test/a: 502",
        "",
        "web1: shop.test",
        "  Cause:    nginx cannot reach it.",
        "  Remedy:   `chmod o+x /srv/shop`",
        "",
        "web2: old.test could be taken over",
        "  served by old.service",
        "  `ansible-playbook takeover`",
        "",
        "web2: no problem found",
    ]


def test_a_cause_on_a_web_host_is_written_there():
    of_balancer = {"site": "shop.test", "cause": "Web host web1 answers 502.", "remedy": "`x`", "explains": []}
    alone = {"asked": [], "findings": [of_balancer | {"host": "web1"}], "takeovers": []}
    web1 = {"asked": [], "findings": [FINDING], "takeovers": []}
    healthy = {"asked": [], "findings": [], "takeovers": []}
    assert "  Cause:    Web host web1 answers 502." in diagnosis.doctor_lines({"lb1": alone, "web1": healthy})
    lines = diagnosis.doctor_lines({"lb1": alone, "web1": web1})
    assert lines[:2] == ["lb1: shop.test", "  Cause:    that of web1, see there"]
    assert "web1: shop.test" in lines
    # What stops nginx stops each of its sites, and other findings about a host explain nothing.
    stopped = web1 | {"findings": [FINDING | {"site": "all sites"}]}
    assert diagnosis.doctor_lines({"lb1": alone, "web1": stopped})[:2] == lines[:2]
    asked = stopped | {"asked": [{"url": "https://shop.test/", "status": 200}]}
    assert "  Cause:    Web host web1 answers 502." in diagnosis.doctor_lines({"lb1": alone, "web1": asked})


def service(cause, host=""):
    finding = {"site": "all sites" if host == "" else "shop.test", "cause": cause, "remedy": "`x`", "explains": []}
    return {"asked": [], "findings": [finding | {"host": host}], "takeovers": []}


@pytest.mark.parametrize(
    ("kind", "cause", "is_explained"),
    [
        ("database", "postgresql@17-main.service, which apps on other hosts use, does not run: it is inactive.", True),
        ("database", "valkey-server@shop-cache.service, which apps on other hosts use, does not run.", False),
        ("cache", "valkey-server@shop-cache.service, which apps on other hosts use, does not run.", True),
        ("broker", "valkey-server@shop-cache.service, which apps on other hosts use, does not run.", False),
        ("broker", "The file system of /var/lib is full: nothing can be written.", True),
    ],
)
def test_a_service_that_does_not_run_is_one_finding(kind, cause, is_explained):
    of_app = f"The app shop cannot use its {kind} on db1 (192.0.2.9:5432): nothing listens there. It gets: refused."
    hosts = {"db1": service(cause), "web1": service(of_app, "db1"), "web2": service(of_app, "db1")}
    lines = diagnosis.doctor_lines(hosts)
    assert (lines[4:] == ["web1, web2: shop.test", "  Cause:    that of db1, see there"]) == is_explained
    assert (f"  Cause:    {of_app}" in lines) != is_explained
    # It is not in the play, or says nothing.
    assert f"  Cause:    {of_app}" in diagnosis.doctor_lines({"web1": service(of_app, "db1")})


def test_commands_name_the_inventory():
    finding = FINDING | {"remedy": "`ansible-playbook gatehouse.django.site`", "explains": []}
    result = {"asked": [], "findings": [finding], "takeovers": []}
    shown = diagnosis.doctor_lines({"web1": result}, ["/srv/my fleet", "/srv/more"])
    assert shown[-1] == "  Remedy:   `ansible-playbook -i '/srv/my fleet' -i /srv/more gatehouse.django.site`"
    assert diagnosis.doctor_lines({"web1": result})[-1] == "  Remedy:   `ansible-playbook gatehouse.django.site`"


def test_a_drained_host_is_named():
    said = "drained since 2026-11-27T10:00:00Z, so balancers ask other hosts"
    result = {"asked": [], "findings": [], "takeovers": [], "drained": "2026-11-27T10:00:00Z"}
    assert diagnosis.doctor_lines({"web1": result}) == [f"web1: no problem found; {said}"]
    assert diagnosis.doctor_lines({"web1": result | {"findings": [FINDING]}})[-1] == f"web1: {said}"


def test_a_cause_that_several_hosts_share_is_written_once():
    result = {"asked": [], "findings": [FINDING], "takeovers": []}
    other = {"asked": [], "findings": [FINDING | {"cause": "Another."}], "takeovers": []}
    lines = diagnosis.doctor_lines({"web1": result, "web2": other, "web3": result})
    assert [line for line in lines if line.endswith(": shop.test")] == ["web1, web3: shop.test", "web2: shop.test"]
