# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether keepalived runs on a host that shares addresses with others (role keepalived)."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import files, systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.nginx import ALL_SITES
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding

CONFIGURATION = Path("/etc/keepalived/keepalived.conf")
MARK = "Written by gatehouse.django"
UNIT = "keepalived.service"


def check_keepalived(run: Run, configuration: Path = CONFIGURATION) -> Finding | None:
    """Report that the host cannot take the shared addresses. That another host has them now is no finding."""
    if MARK not in (files.read(configuration) or ""):
        return None
    found = systemd.show(run, UNIT)
    if found.get("ActiveState") == "active":
        return None
    cause = (
        f"This host shares an address with others, and {UNIT} is {systemd.state(found)}: it does not take the address "
        "when the host that has it does not answer"
    )
    return Finding(ALL_SITES, f"{cause}.", "`systemctl enable --now keepalived`")
