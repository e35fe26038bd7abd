# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute a fingerprint of all inputs of a release except its source."""

from __future__ import annotations

import hashlib
import json


def digest(app: str, inputs: object) -> str:
    """Return the fingerprint of *inputs*. All users of the host can read it in a path, so guessing must be slow."""
    text = json.dumps(inputs, sort_keys=True, default=str).encode()
    return hashlib.scrypt(text, salt=f"gatehouse {app}".encode(), n=2**14, r=8, p=1, dklen=32).hex()
