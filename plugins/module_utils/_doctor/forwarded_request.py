# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A visitor's request as nginx passes it on to an app."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Served
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import request_headers

# nginx does not pass on a header whose value is empty.
GATEHOUSE: tuple[tuple[str, str], ...] = tuple(request_headers.sent())
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
STANDARD = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class Passed:
    """A visitor's request for *host* as nginx passes it on; what depends on more than the site is None."""

    served: Served
    host: str

    @property
    def scheme(self) -> str:
        """What the visitor's address begins with."""
        # An nginx that says so itself stands behind something that has the certificate.
        return "https" if self.served.tls or self.header("X-Forwarded-Proto") == "https" else "http"

    @property
    def origin(self) -> str:
        """What a browser sends as Origin."""
        port = "" if self.served.port == STANDARD[self.scheme] else f":{self.served.port}"
        return f"{self.scheme}://{self.host}{'' if self.is_hidden else port}"

    @property
    def is_hidden(self) -> bool:
        """Whether visitors speak to something in front of nginx, so that its port is not theirs."""
        return self.scheme == "https" and not self.served.tls

    def written(self, name: str) -> str | None:
        """What nginx's configuration says of the header, None for nothing."""
        headers = GATEHOUSE if self.served.headers is None else self.served.headers
        return next((value for given, value in headers if given.lower() == name.lower()), None)

    def header(self, name: str) -> str | None:
        """The value that the app gets, empty where it gets none."""
        found = True
        known = {
            "scheme": "https" if self.served.tls else "http",
            "https": "on" if self.served.tls else "",
            "host": self.host,
            "http_host": self.host + ("" if self._is_standard else f":{self.served.port}"),
            "server_name": self.served.names[0] if self.served.names else "",
            "server_port": self.served.port,
            "gatehouse_port": "" if self.served.port in STANDARD.values() else f":{self.served.port}",
            "remote_addr": "192.0.2.1",
        }

        def value(variable: re.Match[str]) -> str:
            nonlocal found
            name = variable[1] or variable[2]
            found = found and name in known
            return known.get(name, "")

        text = VARIABLE.sub(value, self.written(name) or "")
        return text if found else None

    @property
    def _is_standard(self) -> bool:
        return self.served.port == STANDARD["https" if self.served.tls else "http"]
