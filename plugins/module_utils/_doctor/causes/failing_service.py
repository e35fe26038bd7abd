# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The web service of an app does not keep running."""

from __future__ import annotations

import os
import time

from ansible_collections.gatehouse.django.plugins.module_utils._app import sandbox_errors
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import apps
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Problem
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

RESTART_SECONDS = 5.0
POLL_SECONDS = 0.1


def explain(visit: Visit) -> Finding | None:
    """systemd starts the service again and again, or has given up."""
    if not visit.is_unanswered or not visit.app:
        return None
    run, app = visit.host.run, App(visit.app)
    unit = apps.service(app.name)
    found = _state(run, unit, is_known_to_fail=visit.answer.problem is Problem.APP_FAILS)
    if not systemd.is_failing(found):
        return None
    secrets = systemd.environment(os.path.join(app.release(app.current()), "env"))
    words = systemd.last_words(run, unit, secrets)
    hint = sandbox_errors.explain(words, app)
    return Finding(
        visit.request.site,
        f"The web service of {app.name}, {unit}, does not keep running: it is {systemd.state(found)}. "
        f"Last line of its journal: {words}",
        f"{hint} Read `journalctl -n 50 -u {unit}`, then deploy a correction or return to the previous release: "
        f"`ansible-playbook gatehouse.django.rollback -e app={app.name}`.".lstrip(),
    )


def _state(run: Run, unit: str, *, is_known_to_fail: bool) -> dict[str, str]:
    """The state of the unit. A service that systemd restarts again and again seems to run in between."""
    found = systemd.show(run, unit)
    deadline = time.monotonic() + RESTART_SECONDS
    while is_known_to_fail and not systemd.is_failing(found) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        found = systemd.show(run, unit)
    return found
