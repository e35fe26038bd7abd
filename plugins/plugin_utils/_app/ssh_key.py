# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognise private keys that ssh cannot use without a person: encrypted, damaged, or no private keys at all."""

from __future__ import annotations

import base64
import binascii
import re

ARMOUR = re.compile(
    r"-----BEGIN (?P<kind>(?:[A-Z]+ )*PRIVATE KEY)-----\n(?P<body>.+?)\n-----END (?P=kind)-----", re.DOTALL
)
# openssh-key-v1 (PROTOCOL.key of OpenSSH): the magic, then the name of the cipher as a string with its length.
MAGIC = b"openssh-key-v1\0"
PUBLIC = ("ssh-", "ecdsa-", "sk-", "-----BEGIN PUBLIC", "-----BEGIN CERTIFICATE", "---- BEGIN SSH2")
UNENCRYPTED = "The host cannot ask for a passphrase. Use a key without one: `ssh-keygen -p -N '' -f FILE` removes it."
WHOLE = "Use the whole text of the file, from '-----BEGIN' to '-----END ...-----', with its line breaks."


def normalised(key: str) -> str:
    """Return the text of a key as ssh reads it: Unix line ends, one at the end, no blanks around."""
    return "".join(f"{line.strip()}\n" for line in key.strip().splitlines())


def problem(key: str) -> str:
    """Return what is wrong with a private key and its remedy, without quoting it; empty for a usable one."""
    text = normalised(key)
    if text.startswith("PuTTY-User-Key-File"):
        return "is a key of PuTTY. Convert it: `puttygen FILE -O private-openssh -o NEW`."
    if text.startswith(PUBLIC):
        return f"is a public key, not a private key. {WHOLE}"
    found = ARMOUR.fullmatch(text.strip())
    if not found:
        return f"is not a private key. {WHOLE}"
    body = found["body"]
    if "ENCRYPTED" in found["kind"] or "Proc-Type: 4,ENCRYPTED" in body:
        return f"is encrypted. {UNENCRYPTED}"
    try:
        content = base64.b64decode(body.replace("\n", ""), validate=True)
    except binascii.Error:
        return f"is damaged: it is not base64. {WHOLE}"
    if "OPENSSH" not in found["kind"]:
        # An ASN.1 sequence begins with its length.
        return "" if _has_length(content) else f"is damaged: it is incomplete. {WHOLE}"
    cipher, rest = _string(content.removeprefix(MAGIC))
    if not content.startswith(MAGIC) or not cipher:
        return f"is damaged: it is not a key of OpenSSH. {WHOLE}"
    if cipher != b"none":
        return f"is encrypted. {UNENCRYPTED}"
    _kdf, rest = _string(rest)
    _kdf_options, rest = _string(rest)
    public, rest = _string(rest[4:])
    private, rest = _string(rest)
    return "" if public and private and not rest else f"is damaged: it is incomplete. {WHOLE}"


def _string(data: bytes) -> tuple[bytes, bytes]:
    """Split a string with its length of four bytes off *data*; both parts are empty if it is cut off."""
    end = 4 + int.from_bytes(data[:4], "big")
    return (data[4:end], data[end:]) if len(data) >= end else (b"", b"")


def _has_length(data: bytes) -> bool:
    """Return whether *data* is one ASN.1 sequence of the length that it says (X.690, section 8.1.3)."""
    if len(data) < 2 or data[0] != 0x30:
        return False
    if data[1] < 0x80:
        return len(data) == 2 + data[1]
    size = data[1] & 0x7F
    return len(data) == 2 + size + int.from_bytes(data[2 : 2 + size], "big")
