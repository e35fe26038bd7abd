# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords of PostgreSQL's roles as SCRAM-SHA-256 verifiers (RFC 5802, RFC 7677).

The server keeps only the verifier. Made here, the password itself is in no statement, and so in no log of the server.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

ITERATIONS = 4096  # as PostgreSQL's scram_iterations
SALT_BYTES = 16
VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")


def verifier(password: str, salt: bytes = b"", iterations: int = ITERATIONS) -> str:
    """Return a verifier of the ASCII text *password*, with a random salt by default."""
    salt = salt or secrets.token_bytes(SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    keys = (hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256"))
    stored, server = (base64.b64encode(key).decode() for key in keys)
    return f"SCRAM-SHA-256${iterations}:{base64.b64encode(salt).decode()}${stored}:{server}"


def matches(password: str, known: str) -> bool:
    """Return whether *known*, of the server, is a verifier of *password*."""
    found = VERIFIER.fullmatch(known)
    if not found:
        return False
    made = verifier(password, base64.b64decode(found[2]), int(found[1]))
    return hmac.compare_digest(made, known)
