# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of pg_hba.conf that let the hosts of apps in: a block of Gatehouse's own at the beginning of the file.

The first line that applies decides. Each of these names the database of an app and its copy in a restore, one role and
one address, so the lines of others keep their effect for everything else.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

BEGIN = "# BEGIN of the lines that Gatehouse makes for apps on other hosts; changes are overwritten."
END = "# END of the lines that Gatehouse makes for apps on other hosts."
METHOD = "scram-sha-256"
# Of the copy that a restore loads beside the live database. It exists only meanwhile, and belongs to the app's role.
RESTORED = "_restored"
LINE = re.compile(rf'hostssl "([^"]+)"(?:,"\1{RESTORED}")? "\1" (\S+) {METHOD} # (\S+)')


@dataclass(frozen=True, order=True)
class Client:
    """A host of an app."""

    app: str
    host: str  # its name in the inventory
    address: str  # a network in CIDR notation

    @property
    def line(self) -> str:
        """The line of pg_hba.conf. In quotes, a name like `all` or `replication` has no other meaning."""
        databases = f'"{self.app}","{self.app}{RESTORED}"'
        return f'hostssl {databases} "{self.app}" {self.address} {METHOD} # {self.host}'


def clients(text: str) -> list[Client]:
    """Return the hosts in the block of *text*."""
    _before, block, _after = _split(text)
    found = (LINE.fullmatch(line.strip()) for line in block.splitlines())
    return [Client(app=one[1], host=one[3], address=one[2]) for one in found if one]


def with_client(text: str, client: Client, hosts: Collection[str]) -> str:
    """Return *text* with the line of *client*. Of its app, only lines of the inventory's *hosts* are kept."""
    kept = [one for one in clients(text) if one.app != client.app or (one.host in hosts and one.host != client.host)]
    return with_block(text, [*kept, client])


def without_client(text: str, app: str, host: str) -> str:
    """Return *text* without the line of a host for an app."""
    return with_block(text, [one for one in clients(text) if (one.app, one.host) != (app, host)])


def with_block(text: str, wanted: Collection[Client]) -> str:
    """Return *text* with a block of the *wanted* lines; without a block if there is none."""
    before, _block, after = _split(text)
    if not wanted:
        return before + after
    lines = "".join(f"{one.line}\n" for one in sorted(set(wanted)))
    return f"{before}{BEGIN}\n{lines}{END}\n{after}"


def _split(text: str) -> tuple[str, str, str]:
    """Return what is before the block, the block, and what is after it."""
    before, begin, rest = text.partition(f"{BEGIN}\n")
    block, end, after = rest.partition(f"{END}\n")
    return (before, block, after) if begin and end else ("", "", text)
