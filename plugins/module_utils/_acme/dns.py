# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate over DNS (DNS-01, RFC 8555, 8.4) with a plugin of certbot, which wildcards need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import CERTBOT_DIRECTORY

# certbot's timer needs them again for each renewal.
CREDENTIALS = Path(CERTBOT_DIRECTORY, "gatehouse-dns.ini")
PLUGIN = re.compile(r"[a-z][a-z0-9-]*")
# Options of the module itself: in its log Ansible hides no value of several lines that is inside of a dict.
SPEC: dict[str, object] = {
    "dns_plugin": {"type": "str"},
    "dns_credentials": {"type": "str", "no_log": True},
    "dns_propagation_seconds": {"type": "int"},
}


class Dns(TypedDict):
    """The options of module certbot_certificates for the validation over DNS; without a plugin there is none."""

    dns_plugin: str | None
    dns_credentials: str | None
    dns_propagation_seconds: int | None


def problem(dns: Dns, names: Mapping[str, list[str]]) -> str | None:
    """What is wrong with the options, or with the requested *names*, by site, without them; None for nothing."""
    plugin = dns["dns_plugin"]
    if plugin:
        if PLUGIN.fullmatch(plugin):
            return None
        return f"dns_plugin '{plugin}' is not the name of a plugin of certbot, such as rfc2136 or cloudflare."
    for option in ("dns_credentials", "dns_propagation_seconds"):
        if dns.get(option) is not None:
            return f"{option} has no effect without dns_plugin: name the plugin of certbot, or remove it."
    for site, requested in names.items():
        for name in requested:
            if name.startswith("*"):
                return (
                    f"site '{site}': '{name}' is a wildcard, which an authority validates over DNS only: set "
                    "'dns_plugin' (role django_site: django_site_acme.dns), or use tls 'files' or 'host'."
                )
    return None


def authenticator(dns: Dns) -> str:
    """The name of certbot's plugin for the validation."""
    return f"dns-{dns['dns_plugin']}" if dns["dns_plugin"] else "webroot"


def arguments(dns: Dns) -> list[str]:
    """certbot's arguments for the plugin. The credentials are in a file."""
    plugin = authenticator(dns)
    words = ["--authenticator", plugin]
    if dns["dns_credentials"]:
        words += [f"--{plugin}-credentials", str(CREDENTIALS)]
    if dns["dns_propagation_seconds"] is not None:
        words += [f"--{plugin}-propagation-seconds", str(dns["dns_propagation_seconds"])]
    return words


def files(dns: Dns) -> dict[Path, str | None]:
    """The file with the credentials, None for one that must not exist."""
    credentials = dns["dns_credentials"]
    return {CREDENTIALS: f"{credentials.rstrip()}\n" if credentials else None}
