# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation of filters shares that only the collection itself uses."""

from __future__ import annotations


class ModuleDocFragment:
    """A note that the filter is no interface for others. ansible-core requires `options` or `attributes` here."""

    DOCUMENTATION = r"""
options: {}
notes:
  - Only the roles and playbooks of this collection use this filter. It may change or be removed in any version.
"""
