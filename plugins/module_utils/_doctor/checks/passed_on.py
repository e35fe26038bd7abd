# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A balancer whose nginx has no site for an app: visitors who reach it get the page of another site, or none."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.nginx import ALL_SITES
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host


def check_passed_on(host: Host, apps: Collection[str], own: Collection[str]) -> list[Finding]:
    """Return a finding for each of *apps* that is neither on this host, *own*, nor behind a site of its nginx."""
    served = frozenset().union(*host.apps_by_server.values(), *host.balanced_apps.values())
    return [
        Finding(
            ALL_SITES,
            f"No site of this host passes requests to {app}, and {app} is not on this host.",
            f"`ansible-playbook gatehouse.django.site -e app={app}`",
        )
        for app in apps
        if app not in served and app not in own
    ]
