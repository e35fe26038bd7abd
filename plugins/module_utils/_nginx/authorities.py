# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The authorities of the servers that nginx connects to over TLS: one file in a generation for each group of a site.

The controller knows those of the hosts in its run. Of the others, those in the live generation stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import AUTHORITIES
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.upstreams import tls_name

# nginx and OpenSSL skip what is outside of the certificates.
ENTRY = re.compile(
    r"^# (\S+)\n(-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----)\n", re.MULTILINE | re.DOTALL
)


def path(site: str, group: str) -> str:
    """The path of the file in a generation. Neither name contains a dot."""
    return f"{AUTHORITIES}{site}.{group}.crt"


def files(site: str, groups: Mapping[str, Mapping[str, str]], live: Mapping[str, str]) -> dict[str, str]:
    """The files of *site* by path; *live* are those of the live generation.

    Raises ValueError if the authority of no server of a group is known: nginx would not start without one.
    """
    found = {}
    for group, servers in groups.items():
        before = dict(ENTRY.findall(live.get(path(site, group), "")))
        known = {server: text.strip() or before.get(server, "") for server, text in servers.items()}
        if not any(known.values()):
            raise ValueError(
                f"site '{site}': this host knows the certificate of none of the web hosts {', '.join(servers)}. Run "
                "the playbook for them as well: without -l and -e app, all hosts exchange what they need"
            )
        found[path(site, group)] = "".join(f"# {server}\n{text}\n" for server, text in known.items() if text)
    return found


def trusted(server: str, generation: Mapping[str, str]) -> list[tuple[str, str]]:
    """The authority of *server*, and the name in its certificate, for each site of a generation with these files."""
    return [
        (known[server], tls_name(place.removeprefix(AUTHORITIES).partition(".")[0]))
        for place, text in generation.items()
        if place.startswith(AUTHORITIES) and server in (known := dict(ENTRY.findall(text)))
    ]
