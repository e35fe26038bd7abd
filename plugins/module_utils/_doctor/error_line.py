# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse a line of nginx's error log, parts of which a visitor writes.

nginx escapes nothing in it (ngx_http_log_error_handler). A line ends with the client, the server, the request, the
host and the Referer, in this order. The decoded path before them and the Referer can contain quotes, commas and
spaces, and so look like these fields.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

LINE = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(\w+)\] \d+#\d+: (?:\*\d+ )?(.*)")
CLIENT, REFERRER = ", client: ", ', referrer: "'
# A request with a space in its path has no such line (400), and a Host header has no space.
DETAIL = re.compile(r', (server|request|subrequest|upstream|host): ("[^"]*"|[^,]*)')


@dataclass(frozen=True)
class ErrorLine:
    """One message; *time* is in seconds since 1970, *level* nginx's severity."""

    time: float
    level: str
    # All that follows the level and the process.
    message: str
    # The message without its request.
    text: str
    # By nginx's words: client, server, request, host, referrer and so on. Empty for a message without a request.
    details: Mapping[str, str] = field(default_factory=dict)
    # A visitor wrote a second client into it, so that it is unknown which details are nginx's: *details* is empty.
    is_forged: bool = False

    def names(self, hosts: set[str]) -> bool:
        """Whether it may be about a request to one of *hosts*. A visitor must not hide a line, so a forged one may."""
        if self.is_forged:
            return any(value.strip('"') in hosts for _name, value in DETAIL.findall(self.message))
        return bool({self.details.get("server"), self.details.get("host")} & hosts)


def parse(line: str) -> ErrorLine | None:
    """Parse *line*; None if it is not one of nginx's."""
    match = LINE.match(line)
    if not match:
        return None
    try:
        # The log has the local time of the host.
        moment = time.mktime(time.strptime(match[1], "%Y/%m/%d %H:%M:%S"))
    except (ValueError, OverflowError):
        # A line of another program may only look like nginx's: there is no month 99.
        return None
    text, _client, rest = match[3].partition(CLIENT)
    if CLIENT in rest:
        return ErrorLine(moment, match[2], match[3], text, is_forged=True)
    return ErrorLine(moment, match[2], match[3], text, _details(rest) if rest else {})


def _details(rest: str) -> dict[str, str]:
    """The details from the client's address on; of two with one name, the first, since nginx writes the host last."""
    fields, _name, referrer = rest.partition(REFERRER)
    found = {"client": fields.partition(",")[0], "referrer": referrer.removesuffix('"')}
    for name, value in DETAIL.findall(fields):
        found.setdefault(name, value.strip('"'))
    return found
