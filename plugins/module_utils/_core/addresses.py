# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IP addresses that are written into configuration files of services, and the ports of hosts behind balancers."""

from __future__ import annotations

import ipaddress

# The ports on which a balancer asks a web host, without TLS and with it.
WEB_HOST_PORTS = (80, 443)
# How URLs and settings name the host itself; drivers use a socket of the host if there is no name.
THIS_HOST = ("", "localhost", "127.0.0.1", "::1")


def is_address(text: str) -> bool:
    """Return whether *text* is an IP address without a scope, which can contain any character."""
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def network(address: str) -> str:
    """Return an IP address as the network that has only this address; raise ValueError for anything else."""
    if not is_address(address):
        raise ValueError(f"{address!r} is not an IP address without a scope")
    return str(ipaddress.ip_network(address))
