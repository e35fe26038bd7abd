# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation of several modules shares about their attributes."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of every module of the collection, and those of modules that only read."""

    DOCUMENTATION = r"""
attributes:
  platform:
    description: Target OS or family the module can be operated against.
    support: full
    platforms: posix
notes:
  - The module needs root on the host.
"""

    READ_ONLY = r"""
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: none
    details:
      - Nothing is ever changed.
"""
