# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An app of role django_app without a release: it can neither answer nor have static files."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.apps import DEPLOY
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """The link `current` of the app does not lead to a complete release."""
    app = App(_app(visit))
    release = app.current()
    if not app.name or (release and app.is_complete(release)):
        return None
    cause = f"{app.link} does not lead to a complete release of {app.name}, so the app cannot answer."
    reason, place = _failure(visit.host.run, app)
    return Finding(visit.request.site, f"{cause}{reason}", f"Deploy it: {DEPLOY}.{place}")


def _failure(run: Run, app: App) -> tuple[str, str]:
    """Why the last attempt to deploy the app failed, and where it is kept; both empty without one."""
    failed = [os.path.join(app.failed, name) for name in app.failures()]
    if not failed:
        return "", ""
    newest = max(failed, key=os.path.getmtime)
    unit = app.unit(os.path.basename(newest), "service")
    words = systemd.last_words(run, unit, systemd.environment(os.path.join(newest, "env")))
    reason = f" The last attempt failed. Last line of its journal: {words}" if words else " The last attempt failed."
    return reason, f" The files of the last attempt are kept in {newest}; `journalctl -u {unit}` shows its log."


def _app(visit: Visit) -> str:
    """The app that did not answer, or in whose absent release nginx looked for a file; empty for none."""
    if visit.is_unanswered:
        return visit.app
    app = visit.file.app if visit.file else ""
    return "" if app and os.path.isdir(App(app).link) else app
