# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sites that nginx serves for apps, with their certificates and logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import SERVICE_TLS_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import log, sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.certificate import first_certificate
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host, read_host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import x509
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts


@dataclass(frozen=True)
class ServedSite:
    """A server block that passes requests to an app. Paths are empty where there is no such file."""

    app: str
    site: str
    names: tuple[str, ...]
    certificate: str
    expires: datetime | None
    access_log: str
    error_log: str

    @property
    def is_internal(self) -> bool:
        """Whether the certificate is the one that the host has made for its balancers, which no visitor sees."""
        return self.certificate.startswith(f"{SERVICE_TLS_DIRECTORY}/")

    @property
    def days(self) -> int | None:
        """The full days for which the certificate is valid; negative after its end, None without one."""
        return (self.expires - datetime.now(UTC)).days if self.expires else None


def read_sites(run: Run, nginx: NginxFacts) -> Sequence[ServedSite]:
    """The sites of the host, none without nginx."""
    return served_sites(read_host(run, nginx, None)) if nginx["installed"] else []


def served_sites(host: Host) -> Sequence[ServedSite]:
    """One record for each app of each server block; the one with TLS first."""
    servers = dict.fromkeys(listen.server for listen in sorted(host.listens, key=lambda one: not one.tls))
    apps = {server: host.apps_by_server[server] | host.balanced_apps[server] for server in servers}
    return [_site(host, server, app) for server in servers for app in sorted(apps[server])]


def _site(host: Host, server: Directive, app: str) -> ServedSite:
    certificate = _path(server, "ssl_certificate")
    found = x509.read(first_certificate(certificate)) if certificate else None
    error_log = log.path_for(host, server)
    return ServedSite(
        app=app,
        site=sites.title(server),
        names=tuple(sites.real_names(server)),
        certificate=certificate,
        expires=found.expires if found else None,
        access_log=_path(server, "access_log"),
        error_log=error_log if error_log.startswith("/") else "",
    )


def _path(server: Directive, name: str) -> str:
    """The file that the directive names, not a word like `off` or `syslog:...`."""
    given = server.inherited(name)
    return given.args[0] if given and given.args and given.args[0].startswith("/") else ""
