# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a site's names as clients send them in Host: international names in their xn-- form, IPv6 in brackets."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import SiteOptions
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import shown

# RFC 5892, and UTS 46, section 7 (deviation characters): browsers keep these letters, and Python's codec (IDNA 2003)
# writes others for them. That would be the name of another domain.
DEVIATIONS = "\u00df\u03c2\u200c\u200d"  # sharp s, final sigma, zero width non-joiner and joiner


def normalise_names(sites: Iterable[SiteOptions]) -> None:
    """Normalise the names of *sites* in place; raises ValueError with one sentence that names the site."""
    for site in sites:
        where = f"site {shown(site['name'])}"
        if site["server_name"]:
            site["server_name"] = [_checked(name, f"{where}: server_name") for name in site["server_name"]]
        site["redirect_from"] = [_checked(name, f"{where}: redirect_from") for name in site["redirect_from"]]


def _checked(name: str, where: str) -> str:
    try:
        return normalised(name)
    except ValueError as reason:
        raise ValueError(f"{where} {shown(name)} {reason}") from reason


def normalised(name: str) -> str:
    """Return *name* as clients send it. Raises ValueError with the end of a sentence."""
    if ":" in name:
        try:
            return f"[{ipaddress.IPv6Address(name.removeprefix('[').removesuffix(']'))}]"
        except ValueError:
            return name  # check_server_name refuses it
    if name.isascii():
        return name
    found = [character for character in name.lower() if character in DEVIATIONS]
    if found:
        written = ".".join(map(_punycode, name.lower().split(".")))
        raise ValueError(
            f"contains {found[0]!r}, which some programs write as another letter: if browsers shall find it under this "
            f"name, write '{written}'"
        )
    try:
        # An empty label is that of a wildcard '.example.com'.
        return ".".join(label and label.encode("idna").decode("ascii") for label in name.lower().split("."))
    except UnicodeError as error:
        raise ValueError(f"is not an international host name ({error}): write its xn-- form") from error


def _punycode(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
