# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of an app of role django_app."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run

# The command that deploys an app.
DEPLOY = "`ansible-playbook gatehouse.django.site`"
# The doctor asks for the state of the units again after this time. Thousands of pages may wait for an answer.
STATE_SECONDS = 0.4


def service(app: str) -> str:
    """The unit of the release that is served."""
    return App(app).unit(App(app).current(), "service")


class FailingApps:
    """Which of *apps* have web processes that end as soon as systemd starts them."""

    def __init__(self, run: Run, apps: Iterable[str]) -> None:
        self.run, self.apps = run, list(apps)
        self._names: frozenset[str] = frozenset()
        self._expires = 0.0

    def names(self) -> frozenset[str]:
        """Their names. One command reads the state of all units."""
        if time.monotonic() >= self._expires:
            services = {service(app): app for app in self.apps if App(app).current()}
            states = systemd.show_all(self.run, list(services))
            self._names = frozenset(app for unit, app in services.items() if systemd.is_failing(states.get(unit, {})))
            self._expires = time.monotonic() + STATE_SECONDS
        return self._names


def log_command(app: str) -> str:
    """Where the operator reads what the application logs."""
    return f"`journalctl -n 50 -u '{app}-web@*'`" if app else "the application's own log"
