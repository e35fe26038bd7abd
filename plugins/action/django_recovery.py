# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller half of django_recovery: display the phases, and say for the history who restores."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.action.django_restore import ActionModule as RestoreAction


class ActionModule(RestoreAction):
    """Runs the module of this name and displays what it does, as that of django_restore."""
