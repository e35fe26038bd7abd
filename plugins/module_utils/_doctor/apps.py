# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of an app of role django_app."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run

# The command that deploys an app.
DEPLOY = "`ansible-playbook gatehouse.django.site`"


def service(app: str) -> str:
    """The unit of the release that is served."""
    return App(app).unit(App(app).current(), "service")


def is_failing(run: Run, app: str) -> bool:
    """Whether the app's web processes end as soon as systemd starts them."""
    return bool(App(app).current()) and systemd.is_failing(systemd.show(run, service(app)))


def log_command(app: str) -> str:
    """Where the operator reads what the application logs."""
    return f"`journalctl -n 50 -u '{app}-web@*'`" if app else "the application's own log"
