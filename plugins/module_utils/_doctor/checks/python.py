# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release that runs, but cannot start again, because the host's Python is another one now."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._app import lost_python
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.apps import DEPLOY
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding


def check_python(site: str, name: str, root: str = APPS) -> Finding | None:
    """Return a finding if the served release of the app *name* cannot start with the host's Python."""
    app = App(name, root)
    found = lost_python.explain(app, app.current())
    if not found:
        return None
    cause = f"The app {name} does not start again, although processes that run go on: {found}."
    remedy = f"Deploy the app again, which builds its environment for a Python of the host: {DEPLOY}."
    return Finding(site, cause, remedy)
