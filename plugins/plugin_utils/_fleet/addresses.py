# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the address by which the other hosts of the inventory reach a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import is_address

ADDRESS = "gatehouse_address"


def address_of(variables: Mapping[str, object], host: str) -> str:
    """Return the name or address by which the other hosts reach *host*, which has these *variables*."""
    return text(variables, ADDRESS) or text(variables, "ansible_host") or host


def ip_address_of(variables: Mapping[str, object], host: str, where: str) -> str:
    """Return the IP address of *host*; raise ValueError, which begins with *where*, if it has only a name."""
    found = address_of(variables, host)
    if not is_address(found):
        raise ValueError(
            f"{where}: nginx needs the IP address of host '{host}', and '{found}' is a name: set {ADDRESS} for this "
            "host to the address by which the hosts of the site reach each other. Nothing was changed."
        )
    return found


def text(variables: Mapping[str, Any], name: str) -> str:
    """Return a variable as text, empty if it is missing."""
    return str(variables.get(name) or "")
