# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps secrets out of messages: what is a secret, and how it is hidden.

A program that runs with a project's Python cannot import this: the doctor's project_reader has its own rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MASK = "********"
SHORTEST_SECRET = 4  # characters: to hide a shorter text would hide half of every message
NAME = re.compile(r"KEY|SECRET|PASS|TOKEN|DSN|CREDENTIAL", re.IGNORECASE)
# The password in an address such as postgres://shop:password@db/shop (RFC 3986, section 3.2.1).
USER_INFORMATION = re.compile(r"(?P<before>://[^/@\s:]*:)(?P<secret>[^/@\s]+)(?P<after>@)")
# The same, or a token in the place of the user; not the name of a variable ($TOKEN), and not ssh's usual user.
WRITTEN_PASSWORD = re.compile(r"://[^/@\s:]*:[^/@\s$][^/@\s]*@|\bhttps?://(?!git@)[^/@\s:$]+@")

# The value of a parameter in a query, such as the one in /reset?token=value (RFC 3986, section 3.4).
QUERY_VALUE = re.compile(r"(?P<before>[?&][^=&?\s\"']*=)(?P<secret>[^&\s\"'<>]+)(?P<after>)")


def redact(text: str, secrets: Iterable[str]) -> str:
    """*text* with MASK in the place of each of *secrets*. The longest goes first: it may contain another one."""
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def without_tokens(text: str) -> str:
    """*text* with MASK for the passwords in addresses and the values in queries: a log shows what visitors sent."""
    for pattern in (USER_INFORMATION, QUERY_VALUE):
        text = pattern.sub(rf"\g<before>{MASK}\g<after>", text)
    return text


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values of *environment* that no output may show: by their names, and by the passwords in addresses."""
    found = []
    for name, value in environment.items():
        password = USER_INFORMATION.search(value)
        if NAME.search(name) or password:
            found += [value, *([password["secret"]] if password else [])]
    return [value for value in found if len(value) >= SHORTEST_SECRET]


def has_password(text: str) -> bool:
    """Whether *text* contains an address with a password or a token."""
    return WRITTEN_PASSWORD.search(text) is not None
