# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an app of role django_app can be asked at all: its release, its units, its socket."""

from __future__ import annotations

import os
import time

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding

PATIENCE = 5.0  # seconds
DEPLOY = "`ansible-playbook gatehouse.django.site`"


def service(app: str) -> str:
    """The unit of the release that is served."""
    return App(app).unit(App(app).current(), "service")


def is_failing(run: Run, app: str) -> bool:
    """Whether the app's web processes end as soon as they are started."""
    return bool(App(app).current()) and systemd.is_failing(systemd.show(run, service(app)))


def explain(run: Run, site: str, name: str, *, is_known_to_fail: bool = False) -> Finding | None:
    """Why nobody answers for the app *name*, None where its units are as they should be."""
    app = App(name)
    release = app.current()
    if not release or not app.is_complete(release):
        cause = f"{app.link} leads to no complete release of {name}, so there is nothing that could answer"
        return Finding(site, f"{cause}.", f"Deploy it: {DEPLOY}.")
    unit = service(name)
    found = systemd.show(run, unit)
    # What is started again and again seems to run in between.
    deadline = time.monotonic() + PATIENCE
    while is_known_to_fail and not systemd.is_failing(found) and time.monotonic() < deadline:
        time.sleep(0.1)
        found = systemd.show(run, unit)
    if systemd.is_failing(found):
        said = systemd.last_words(run, unit, systemd.environment(os.path.join(app.release(release), "env")))
        return Finding(
            site,
            f"The web service of {name}, {unit}, does not stay up: it is {systemd.state(found)}. It last said: {said}",
            f"Read `journalctl -n 50 -u {unit}` and deploy what mends it, or go back to the release before: "
            f"`ansible-playbook gatehouse.django.rollback -e django_app_name={name}`.",
        )
    socket = app.unit(release, "socket")
    found = systemd.show(run, socket)
    if found.get("LoadState") == "not-found":
        cause = f"systemd knows no unit {socket}, which has to make the socket of {name}: its file is gone"
        return Finding(site, f"{cause}.", f"Deploy it again: {DEPLOY}.")
    path = os.path.join(app.release(release), "web.sock")
    if found.get("ActiveState") != "active":
        cause = f"The socket unit of {name}, {socket}, is {systemd.state(found)}, so nothing listens on {path}"
        return Finding(site, f"{cause}.", f"`systemctl restart {name}-web`")
    if not os.path.exists(path):
        cause = f"The socket {path} of {name} was removed, though its unit {socket} is active"
        return Finding(site, f"{cause}.", f"`systemctl restart {name}-web`")
    return None
