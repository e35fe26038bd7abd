# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The socket of an app was removed."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """The unit is active (causes/socket_unit.py), but the file is absent."""
    if not visit.is_unanswered or not visit.app:
        return None
    app, name = App(visit.app), visit.app
    path = os.path.join(app.release(app.current()), "web.sock")
    if os.path.exists(path):
        return None
    cause = f"The socket {path} of {name} was removed, although its unit {app.unit(app.current(), 'socket')} is active"
    return Finding(visit.request.site, f"{cause}.", f"`systemctl restart {name}-web`")
