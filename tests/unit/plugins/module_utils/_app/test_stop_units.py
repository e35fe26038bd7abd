"""What stops on a drained host, also after a run that was killed."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import stop_units
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units, mark

WORKER, BEAT, TIMER, JOB = "shop-worker.service", "shop-beat.service", "shop-clean.timer", "shop-clean.service"
INSTALL = "\n[Install]\n"


@pytest.fixture
def host(tmp_path):
    """The units of a drained host, and the commands that were run; all units are active."""
    calls = []

    def run(argv, **_options):
        calls.append(" ".join(argv))
        return 0, "ActiveState=active\n" if "show" in argv else "", ""

    app = App("shop", str(tmp_path / "srv"))
    os.makedirs(app.home)
    units = Units(Tools(run, {}), app, str(tmp_path / "units"))
    units.is_drained = True
    once = f"\nConditionPathExists={app.runs_once}\n"
    texts = {WORKER: INSTALL, BEAT: once + INSTALL, TIMER: INSTALL, JOB: "", "shop-web.service": INSTALL}
    units.files = {f"{tmp_path}/units/{name}": mark("shop") + text for name, text in texts.items()}
    os.mkdir(tmp_path / "units")
    for path, text in units.files.items():
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    units.calls = calls
    return units


@pytest.mark.parametrize("is_here", [True, False])
def test_all_stop_and_jobs_go_on(host, is_here):
    """Also what runs on one host, if a run was killed after it had removed the mark and before it stopped it."""
    if is_here:
        open(host.app.runs_once, "w", encoding="ascii").close()
    stop_units.stop(host.tools, host, host.files)
    stopped = {name for call in host.calls if call.startswith("systemctl stop ") for name in call.split()[2:]}
    assert stopped == {WORKER, BEAT, TIMER}
    assert {call.split()[-1] for call in host.calls if " disable " in call} == {WORKER, BEAT, TIMER}
    assert not os.path.lexists(host.app.runs_once)


def test_what_still_runs_is_named(host):
    assert stop_units.running(host, host.files) == [TIMER, BEAT, WORKER]
