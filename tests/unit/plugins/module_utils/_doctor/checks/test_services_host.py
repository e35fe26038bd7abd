"""Whether the databases, caches and brokers of a host for apps on other hosts run."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.services_host import check_services

UNITS = ["postgresql@17-main.service", "valkey-server@shop-broker.service"]


@pytest.fixture
def check(tmp_path, monkeypatch):
    """check(postgresql=..., valkey=...): the findings on a host with two services in these states, else active."""
    monkeypatch.setattr(valkey, "engine_of", lambda name: valkey.VALKEY if name == "shop-broker" else None)
    for major, start, settings in (("17", "auto", "gatehouse"), ("15", "manual", "gatehouse"), ("16", "auto", "own")):
        directory = tmp_path / major / "main"
        (directory / "conf.d").mkdir(parents=True)
        (directory / "conf.d" / f"{settings}.conf").touch()
        (directory / "start.conf").write_text(f"# auto, manual or disabled\n{start}\n")
    for name in ("shop-broker", "stopped-cache"):
        (tmp_path / f"{name}.conf").touch()

    def check(journal="", **states):
        asked = []

        def run(args):
            if args[0] == "journalctl":
                return 0, journal, ""
            asked.extend(arg for arg in args if arg.endswith(".service"))
            known = {unit: states.get(unit.partition("@")[0].partition("-")[0], "active") for unit in UNITS}
            return 0, "\n\n".join(f"Id={unit}\nActiveState={state}\nSubState=x" for unit, state in known.items()), ""

        found = check_services(run, "all sites", str(tmp_path), str(tmp_path))
        # No cluster that an upgrade keeps, no cluster of others, and no instance that was stopped for good.
        assert asked[:2] == UNITS
        return found

    return check


def test_services_that_run(check):
    assert check() == []
    assert check(valkey="activating") == []


def test_a_service_that_is_stopped(check):
    (finding,) = check(postgresql="inactive")
    assert finding.cause == f"{UNITS[0]}, which apps on other hosts use, does not run: it is inactive (x)."
    assert (finding.site, finding.remedy) == ("all sites", f"`systemctl start {UNITS[0]}`")


def test_a_service_that_fails(check):
    (finding,) = check(valkey="failed")
    assert f"{UNITS[1]}, which apps on other hosts use, does not run: it is failed (x)" in finding.cause
    assert finding.remedy.startswith(f"Read `journalctl -n 50 -u {UNITS[1]}`")
