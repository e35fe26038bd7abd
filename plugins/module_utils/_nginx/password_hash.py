# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hash passwords for HTTP Basic authentication, in the form SHA512-crypt that the C library of every Debian verifies.

nginx computes the hash again for each request, so the number of rounds is a price that each request pays. Python's
module crypt ended with 3.12, and ansible-core's filter password_hash needs passlib there: the algorithm is short.
It is https://www.akkadia.org/drepper/SHA-crypt.txt.
"""

from __future__ import annotations

import hashlib
import re

# The fewest that the C library accepts. Measured: 0.5 ms of CPU for 1,000 rounds, 2.3 ms for 5,000 (its default), 290
# ms for 656,000 (passlib's default); bcrypt 4 ms for 6 and 63 ms for 10; yescrypt with its defaults 35 ms.
ROUNDS = 1000
MOST_ROUNDS = 5000
MOST_BCRYPT = 6  # powers of two
SALT_LENGTH = 16
ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# What crypt(3) of libxcrypt and nginx itself (ngx_crypt.c) verify.
SHA = re.compile(r"\$[56]\$(?:rounds=([0-9]+)\$)?[./0-9A-Za-z]{1,16}\$(?:[./0-9A-Za-z]{43}|[./0-9A-Za-z]{86})")
BCRYPT = re.compile(r"\$2[abxy]\$([0-9]{2})\$[./0-9A-Za-z]{53}")
CHEAP = re.compile(r"\$(?:1|apr1)\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{22}|\{SS?HA\}[+/=0-9A-Za-z]{20,}")
OTHER = re.compile(r"\$(?:y|gy|7|sha1|md5|3)[$,].+|\{PLAIN\}.*")
REMEDY = "give the password itself, from a vault, or a hash that 'openssl passwd -6' makes"


def check_hash(value: str) -> None:
    """Refuse a hash that nginx cannot verify, or that costs too much for each request.

    Raises ValueError with the end of a sentence that does not contain *value*.
    """
    if OTHER.fullmatch(value):
        raise ValueError(f"is a hash of an unsupported kind: {REMEDY}")
    sha, bcrypt = SHA.fullmatch(value), BCRYPT.fullmatch(value)
    if (sha and int(sha[1] or 0) > MOST_ROUNDS) or (bcrypt and int(bcrypt[1]) > MOST_BCRYPT):
        raise ValueError(
            f"is a hash with too many rounds: nginx computes it for each request, with all its files; {REMEDY}"
        )
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("contains a control character")


def is_hash(value: str) -> bool:
    """Whether *value* is a hash, and not a password."""
    return any(kind.fullmatch(value) for kind in (SHA, BCRYPT, CHEAP))


def stable_salt(*parts: str) -> str:
    """A salt that is the same in each run. It depends on names, never on the password that it is for."""
    digest = hashlib.sha256("\0".join(("gatehouse basic_auth", *parts)).encode()).digest()
    return "".join(ALPHABET[byte & 63] for byte in digest[:SALT_LENGTH])


def hashed(password: str, salt: str, rounds: int = ROUNDS) -> str:
    """The SHA512-crypt hash of *password*, with its salt and rounds."""
    secret, salted = password.encode(), salt.encode()[:SALT_LENGTH]
    digest = _digest(secret, salted, rounds)
    # The order of the bytes in the text: three at a time, and each triple is rotated by one.
    triples = [(0, 21, 42)]
    while len(triples) < 21:
        first, second, third = triples[-1]
        triples.append((second + 1, third + 1, first + 1))
    text = "".join(_base64(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in triples)
    return f"$6$rounds={rounds}${salted.decode()}${text}{_base64(digest[63], 2)}"


def _digest(secret: bytes, salt: bytes, rounds: int) -> bytes:
    size = len(secret)
    inner = hashlib.sha512(secret + salt + secret).digest()
    mixed = secret + salt + _repeat(inner, size)
    bits = size
    while bits:
        mixed += inner if bits & 1 else secret
        bits >>= 1
    digest = hashlib.sha512(mixed).digest()
    secrets = _repeat(hashlib.sha512(secret * size).digest(), size)
    salts = _repeat(hashlib.sha512(salt * (16 + digest[0])).digest(), len(salt))
    for number in range(rounds):
        text = secrets if number & 1 else digest
        text += salts if number % 3 else b""
        text += secrets if number % 7 else b""
        text += digest if number & 1 else secrets
        digest = hashlib.sha512(text).digest()
    return digest


def _repeat(block: bytes, size: int) -> bytes:
    return (block * (size // len(block) + 1))[:size]


def _base64(value: int, letters: int) -> str:
    return "".join(ALPHABET[value >> 6 * place & 63] for place in range(letters))
