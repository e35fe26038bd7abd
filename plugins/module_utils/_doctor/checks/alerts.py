# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nginx logged as [alert] or [crit] in the last day: all sites of the host may have failed for this reason."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import commands
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.nginx import ALL_SITES
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import alerts

DAY = 24 * 3600.0  # seconds


def check_alerts(host: Host) -> list[Finding]:
    """The messages since the start of nginx. One whose meaning is not known is reported as it is."""
    if host.master is None:
        return []
    logged = alerts.recent(host.run, host.master, host.nginx["error_log_path"], DAY)
    return [Finding(ALL_SITES, f"{one.described()}.", _remedy(host, host.master, one)) for one in logged]


def _remedy(host: Host, master: int, alert: alerts.Alert) -> str:
    if alert.known:
        return f"{alert.known.remedy}."
    log = alerts.log_file(master, host.nginx["error_log_path"])
    words = ("tail", "-n", "50", str(log)) if log else ("journalctl", "-n", "50", "-u", "nginx")
    return f"Read what nginx logged before and after it: {commands.command(*words)}."
