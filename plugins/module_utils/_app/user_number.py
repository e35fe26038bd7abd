# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The numeric ID of a new app's user: on each host the same for an app of this name, if it is free there.

So an app can get a second host later. Packages have the IDs at both ends of the range of system users: useradd(8) takes
them from 999 on downwards, adduser(8) from 100 on upwards, and the same package has another one on another Debian.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

LOWEST, COUNT = 400, 400


def choose(app: str, taken: Collection[int]) -> int:
    """Return the ID for the user of *app*: none of *taken*; 0 if none is free."""
    first = int(hashlib.sha256(app.encode()).hexdigest(), 16)
    numbers = (LOWEST + (first + step) % COUNT for step in range(COUNT))
    return next((number for number in numbers if number not in taken), 0)
