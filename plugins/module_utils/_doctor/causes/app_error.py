# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that answers with an error of its own: 500 and above."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._app import sandbox_errors
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.pages import error_sentence
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import apps
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """The error, with the last line of the app's journal."""
    if visit.pass_directive is None or visit.status < 500 or visit.is_unanswered:
        return None
    words = hint = ""
    if visit.app:
        app = App(visit.app)
        secrets = systemd.environment(os.path.join(app.link, "env"))
        words = systemd.last_words(visit.host.run, apps.service(visit.app), secrets, visit.started)
        hint = sandbox_errors.explain(words, app)
        words = f" Last line of its journal: {words}"
    who = visit.application[0].upper() + visit.application[1:]
    cause = error_sentence(who, visit.status, visit.request.plain_path, words)
    return Finding(visit.request.site, cause, f"{hint} Read {apps.log_command(visit.app)}.".lstrip())
