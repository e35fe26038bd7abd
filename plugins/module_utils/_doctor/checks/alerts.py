# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nginx logged as [alert] or [crit] in the last day: all sites of the host may have failed for this reason."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.nginx import ALL_SITES
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import alerts

DAY = 24 * 3600.0  # seconds


def check_alerts(host: Host) -> list[Finding]:
    """The known messages since the start of nginx."""
    if host.master is None:
        return []
    logged = alerts.recent(host.run, host.master, host.nginx["error_log_path"], DAY)
    return [Finding(ALL_SITES, f"{one.described()}.", f"{one.known.remedy}.") for one in logged if one.known]
