# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A visitor's request as nginx passes it to an app."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import DEFAULT_PORTS
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import request_headers

# nginx does not pass on a header whose value is empty.
GATEHOUSE: tuple[tuple[str, str], ...] = tuple(request_headers.sent())
# The variables of a site with the option `behind` end with a digest (plugin_utils/_nginx/behind.py).
OF_FRONT = re.compile(r"\b(gatehouse_(?:scheme|port))_[0-9a-f]{12}\b")
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True)
class ForwardedRequest:
    """A visitor's request for *host* as nginx passes it to the app; what depends on more than the site is None."""

    site: AppSite
    host: str

    @property
    def scheme(self) -> str:
        """The scheme of the visitor's URL."""
        # Where nginx itself sets the header to https, a proxy in front of it has the certificate.
        return "https" if self.site.tls or self.header("X-Forwarded-Proto") == "https" else "http"

    @property
    def origin(self) -> str:
        """The Origin header that a browser sends."""
        port = "" if self.site.port == DEFAULT_PORTS[self.scheme] else f":{self.site.port}"
        return f"{self.scheme}://{self.host}{'' if self.is_behind_proxy else port}"

    @property
    def is_behind_proxy(self) -> bool:
        """Whether visitors connect to a proxy in front of nginx, so that nginx's port is not theirs."""
        return self._has_front or (self.scheme == "https" and not self.site.tls)

    @property
    def _has_usual_port(self) -> bool:
        return self._has_front or self.site.port in DEFAULT_PORTS.values()

    @property
    def _has_front(self) -> bool:
        return any(OF_FRONT.search(value) for _name, value in self.site.headers or ())

    def configured(self, name: str) -> str | None:
        """The value in nginx's configuration, None where it does not set the header."""
        headers = GATEHOUSE if self.site.headers is None else self.site.headers
        return next((value for given, value in headers if given.lower() == name.lower()), None)

    def header(self, name: str) -> str | None:
        """The value that the app gets, empty where it gets none; None where a variable in it is unknown."""
        found = True
        known = {
            "scheme": "https" if self.site.tls else "http",
            "https": "on" if self.site.tls else "",
            "host": self.host,
            "http_host": self.host + ("" if self._is_standard else f":{self.site.port}"),
            "server_name": self.site.names[0] if self.site.names else "",
            "server_port": self.site.port,
            "gatehouse_port": "" if self._has_usual_port else f":{self.site.port}",
            # What stands in front of nginx mostly ends TLS, and a site that is right with it is right without it.
            "gatehouse_scheme": "https",
            "remote_addr": "192.0.2.1",
        }

        def value(variable: re.Match[str]) -> str:
            nonlocal found
            name = OF_FRONT.sub(r"\1", variable[1] or variable[2])
            found = found and name in known
            return known.get(name, "")

        text = VARIABLE.sub(value, self.configured(name) or "")
        return text if found else None

    @property
    def _is_standard(self) -> bool:
        return self.site.port == DEFAULT_PORTS["https" if self.site.tls else "http"]
