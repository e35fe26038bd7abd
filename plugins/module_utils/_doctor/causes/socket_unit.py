# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The socket unit of an app is missing or not active."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.apps import DEPLOY
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """systemd does not have the unit, or has not started it."""
    if not visit.is_unanswered or not visit.app:
        return None
    app, name = App(visit.app), visit.app
    unit = app.unit(app.current(), "socket")
    found = visit.host.state(unit)
    if found.get("LoadState") == "not-found":
        cause = f"The unit file of {unit}, which creates the socket of {name}, is missing"
        return Finding(visit.request.site, f"{cause}.", f"Deploy it again: {DEPLOY}.")
    if found.get("ActiveState") != "active":
        path = os.path.join(app.release(app.current()), "web.sock")
        cause = f"The socket unit of {name}, {unit}, is {systemd.state(found)}, so nothing listens on {path}"
        return Finding(visit.request.site, f"{cause}.", f"`systemctl restart {name}-web`")
    return None
