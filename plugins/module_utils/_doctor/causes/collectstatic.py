# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory of static files that is absent or empty."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.apps import DEPLOY
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.files import FilePlace
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.handmade import service_of
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.sites import sample_file
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """collectstatic has not been run into the directory that nginx publishes."""
    file = visit.file
    if file is None or not file.is_static or sample_file(file.directory) is not None:
        return None
    if file.app and not visit.is_target and untrusted.is_directory(file.directory):
        # Its deployment has collected what there is: a project may have no static files. A page that needs one says so.
        return None
    state = "is empty" if untrusted.is_directory(file.directory) else "does not exist"
    name = f"The directory of {file.where}" if file.is_alias else f"The directory {file.directory}, by {file.where},"
    return Finding(visit.request.site, f"{name} {state}: collectstatic has not been run into it.", _remedy(visit, file))


def _remedy(visit: Visit, file: FilePlace) -> str:
    if file.app:
        return f"Deploy {file.app} again, which collects its static files: {DEPLOY}."
    service = service_of(visit.host, visit.server)
    if service and service.python and os.path.exists(f"{service.directory}/manage.py"):
        return f"`{service.command(service.python, 'manage.py', 'collectstatic', '--noinput')}`"
    return f'Run `python manage.py collectstatic` with STATIC_ROOT = "{file.directory.rstrip("/")}".'
