"""Reports of several hosts as lines."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import tables

EVENT = {
    **{"action": "deploy", "began": "2026-11-26T02:58:34Z", "before": "", "release": "new-1", "revision": "f00"},
    **{"result": "failed", "seconds": 9.3, "by": "alice@laptop", "user": "deploy", "error": "phase 'check': no"},
}
APP = {
    **{"name": "shop", "release": "new-1", "revision": "f" * 40, "since": "2026-11-26T02:58:34Z", "by": "alice@laptop"},
    **{"rollback_targets": [], "failed_candidates": [], "deployments": [EVENT]},
    "units": [
        {"name": "shop-web@new-1.service", "state": "active (running)", "failing": False},
        {"name": "shop-worker.service", "state": "failed (failed)", "failing": True},
    ],
    "disk": {"releases": 56_000_000, "data": None, "kept": 0, "cache": 0},
    "sites": [
        {"site": "shop.test", "certificate": "/a.pem", "days": 61},
        {"site": "www.test", "certificate": "/b.pem", "days": None},
    ],
}
DISK = {"free": 74_000_000_000, "size": 9_400_000_000_000}


def test_the_status_of_several_hosts():
    hosts = {"web1": {"apps": [APP], "disk": DISK}, "web2": {"apps": [], "disk": DISK}}
    head, row, without, missing, *more = tables.status_table(hosts, ["web3"])
    assert head.split()[:3] == ["HOST", "APP", "RELEASE"]
    expected = ["web1", "shop", "new-1", "ffffffffffff", "2026-11-26", "02:58", "alice@laptop", "1", "of", "2"]
    assert row.split() == [*expected, "failing", "56", "MB", "?", "61", "days"]
    assert row.index("new-1") == head.index("RELEASE")
    assert (without.split(), missing.split()) == (["web2", "(no", "app)"], ["web3", "(no", "answer)"])
    assert more == [
        "",
        "web1 shop: shop-worker.service is failed (failed)",
        "web1 shop: the certificate of www.test cannot be read: /b.pem",
        "",
        "web1: 74 GB of 9.4 TB free",
        "web2: 74 GB of 9.4 TB free",
        "",
        "web1 shop: last changes",
        "  2026-11-26 02:58  deploy  failed  9.3 s  (none) -> new-1  by alice@laptop as deploy  phase 'check': no",
    ]


def test_a_balancer_has_a_row_for_each_app_with_its_public_certificate():
    public = {"name": "shop", "sites": [{"site": "shop.test", "certificate": "/b.pem", "days": 61, "internal": False}]}
    lost = {"name": "wiki", "sites": [{"site": "wiki.test", "certificate": "/w.pem", "days": None, "internal": False}]}
    internal = APP | {"sites": [{"site": "shop.test", "certificate": "/i.pem", "days": 3600, "internal": True}]}
    hosts = {"lb1": {"apps": [], "balanced": [public, lost], "disk": DISK}, "web1": {"apps": [internal], "disk": DISK}}
    head, first, second, web, _blank, *problems = tables.status_table(hosts)
    assert first.split() == ["lb1", "shop", "(balancer)", "61", "days"]
    assert first.index("61 days") == head.index("CERTIFICATE")
    assert second.split() == ["lb1", "wiki", "(balancer)"]
    assert "days" not in web
    assert problems[0] == "lb1 wiki: the certificate of wiki.test cannot be read: /w.pem"


def test_services_on_other_hosts_are_named():
    found = {"kind": "database", "host": "db1", "address": "192.0.2.9", "port": "5432"}
    cache = {**found, "kind": "cache", "port": "16379"}
    lines = tables.status_table({"web1": {"apps": [APP | {"services": [found, cache]}], "disk": DISK}})
    assert "web1 shop: database on db1 (192.0.2.9:5432), cache on db1 (192.0.2.9:16379)" in lines


def test_hosts_of_one_app_that_differ_are_named():
    other = APP | {"revision": "e" * 40, "runs_once": True}
    hosts = {"web1": {"apps": [APP], "disk": DISK}, "web2": {"apps": [other], "disk": DISK}}
    lines = tables.status_table(hosts)
    assert "shop: its hosts differ: web1 serves ffffffffffff, web2 serves eeeeeeeeeeee" in lines
    assert "shop: what runs on one host (run_on, the backup) runs on web2" in lines
    assert not any("runs on none" in line for line in lines)


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ("c1", "c1", "another Python"),
        ("c1", "c2", "another configuration"),
        ("", "c2", "another configuration or Python"),
    ],
)
def test_hosts_with_different_releases_of_one_source_are_named(one, other, what):
    releases = [APP | {"release": f"f-{n}", "configuration": found} for n, found in enumerate((one, other))]
    hosts = {f"web{n}": {"apps": [app], "disk": DISK} for n, app in enumerate(releases)}
    (line,) = [line for line in tables.status_table(hosts) if "same source" in line]
    assert line == f"shop: its hosts serve the same source with {what}: web0 serves f-0, web1 serves f-1"


def test_an_app_whose_single_processes_run_nowhere_is_named():
    hosts = {host: {"apps": [APP | {"has_once": True}], "disk": DISK} for host in ("web1", "web2")}
    (line,) = [line for line in tables.status_table(hosts) if "runs on none of these" in line]
    assert line.endswith("ansible-playbook gatehouse.django.site -e app=shop")
    # The other hosts were not asked.
    assert not any("runs on none" in line for line in tables.status_table({"web1": hosts["web1"]}))
    same = tables.status_table({"web1": {"apps": [APP], "disk": DISK}, "web2": {"apps": [APP], "disk": DISK}})
    assert not [line for line in same if line.startswith("shop: ")]


def test_a_change_shows_what_else_was_done():
    event = EVENT | {"result": "ok", "error": "", "note": "snapshot of the databases: 1 MB in 2 s"}
    *_others, line = tables.status_table({"web1": {"apps": [APP | {"deployments": [event]}], "disk": DISK}})
    assert line.endswith("by alice@laptop as deploy  snapshot of the databases: 1 MB in 2 s")


def entry(moment, source, text):
    return {"time": moment, "source": source, "origin": "shop", "text": text}


def test_log_lines_by_time_and_by_source():
    one = [entry("02", "web", " b"), entry("03", "access", "c ")]
    assert tables.log_lines({"web1": one}) == ["02  web     shop   b", "03  access  shop  c "]
    both = {"web1": one, "web2": [entry("01", "web", "a")]}
    assert tables.log_lines(both)[0] == "01  web2  web     shop  a"
    assert [line.split()[-1] for line in tables.log_lines(both, "source")] == ["c", "b", "a"]
    assert tables.log_lines({}) == []
    with pytest.raises(ValueError, match="sort: 'size' is neither"):
        tables.log_lines({}, "size")


def test_a_long_error_is_shortened():
    assert tables.shortened("x" * 100) == "x" * 100
    assert tables.shortened("x" * 101) == "x" * 100 + "..."


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "?"), (0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (56_000_000, "56 MB"), (10**16, "10000 TB")],
)
def test_sizes(count, text):
    assert tables.size(count) == text


GOOD = {"began": "2026-11-26T02:41:07Z", "result": "ok", "bytes": 12_000_000, "seconds": 3.4, "warnings": []}
BAD = GOOD | {"result": "failed", "problem": "no space", "warnings": ["DATABASES['old'] is not in the backup"]}


@pytest.mark.parametrize(
    ("backup", "lines"),
    [
        ({"due": False, "last": None, "success": None}, []),
        ({"due": True, "last": None, "success": None}, ["web1 shop: no backup yet"]),
        ({"due": True, "last": GOOD, "success": GOOD}, ["web1 shop: backup 2026-11-26 02:41 ok, 12 MB in 3 s"]),
        (
            {"due": False, "last": GOOD, "success": GOOD},
            ["web1 shop: backup 2026-11-26 02:41 ok, 12 MB in 3 s; no further ones are made"],
        ),
        (
            {"due": True, "last": BAD, "success": GOOD | {"began": "2026-11-25T02:41:07Z"}},
            [
                "web1 shop: backup 2026-11-26 02:41 failed: no space; the last good one 2026-11-25 02:41",
                "web1 shop: DATABASES['old'] is not in the backup",
            ],
        ),
        (
            {"due": True, "last": GOOD | {"result": "running"}, "success": None},
            ["web1 shop: backup 2026-11-26 02:41 running; the last good one never"],
        ),
    ],
)
def test_the_last_backup(backup, lines):
    assert list(tables.backups("web1", APP | {"backup": backup})) == lines


PROVEN = {
    **{"began": "2026-11-22T05:41:07Z", "result": "ok", "problem": "", "snapshot": "1f0c8d2e"},
    **{"rows": 4123, "tables": 12, "bytes": 12_000_000, "restore": 3.42, "notes": []},
}
LAST = "web1 shop: last proven restore 2026-11-22 05:41: snapshot 1f0c8d2e, 4123 rows in 12 tables, 12 MB in 3.4 s"
LATER = PROVEN | {"began": "2026-11-29T05:41:07Z", "result": "failed", "problem": "no room"}


@pytest.mark.parametrize(
    ("drill", "lines"),
    [
        ({"often": "never", "last": None, "success": None}, []),
        ({"often": "weekly", "last": None, "success": None}, ["web1 shop: no restore proven yet"]),
        ({"often": "weekly", "last": PROVEN, "success": PROVEN}, [LAST]),
        ({"often": "never", "last": PROVEN, "success": PROVEN}, [f"{LAST}; no drills are made"]),
        (
            {"often": "weekly", "last": PROVEN, "success": PROVEN | {"notes": ["DATABASES['old']"]}},
            [LAST, "web1 shop: not proven: DATABASES['old']"],
        ),
        (
            {"often": "weekly", "last": LATER, "success": PROVEN},
            [f"{LAST}; the drill 2026-11-29 05:41 failed: no room"],
        ),
    ],
)
def test_the_last_proven_restore(drill, lines):
    assert list(tables.drills("web1", APP | {"drill": drill})) == lines


def test_a_copy_that_waits_to_be_removed():
    copy = {"made": "2026-11-22T05:41:07Z", "snapshot": "1f0c8d2e", "time": "2026-11-22T02:41:07Z"}
    (line,) = tables.drills("web1", APP | {"restored_copy": copy})
    assert "snapshot 1f0c8d2e is restored beside the live data since 2026-11-22 05:41" in line
    assert "-e app=shop -e into=scratch -e state=absent" in line
