# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a deployment to several hosts, after the one that builds: see roles/django_app/tasks/fleet.yml."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._app.activation import Switch
from ansible_collections.gatehouse.django.plugins.module_utils._app.in_service import in_service
from ansible_collections.gatehouse.django.plugins.module_utils._app.prepared import Prepared
from ansible_collections.gatehouse.django.plugins.module_utils._app.staged_build import StagedBuild
from ansible_collections.gatehouse.django.plugins.module_utils._app.store import restore_mark
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree


def start(build: StagedBuild, units: Units) -> None:
    """Complete the candidate, start it beside the release that is served, and check its health."""
    if not build.app.is_complete(build.id):
        with units.limited(build.plan["units"]):
            build.finish()
    if not in_service(units, build.id):
        Switch(build.tools, units, build.id).offer()


def cancel(build: StagedBuild, units: Units) -> None:
    """Stop the candidate, and remove it if it is not complete. What is served stays as it is."""
    if build.app.is_complete(build.id):
        Switch(build.tools, units, build.id).cancel()
        if build.app.current() != build.id:
            # This host may have served it until another one failed.
            restore_mark(build.app, build.id, build.params["candidate"].get("last_served", 0.0))
        return
    try:
        Prepared.read(build.path, build.run_id)
    except ReleaseError:
        # It is that of another run, or it was put aside when it failed.
        return
    tree.remove_tree(build.path)
