# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service of an operator that is stopped or fails, so that nothing listens where nginx passes requests."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """The unit that listens on the address, or whose command names it, and the reason of its last failure."""
    service = evidence.service_of(visit) if visit.is_unanswered else None
    if service is None:
        return None
    found = visit.host.state(service.unit)
    is_failing = systemd.is_failing(found)
    # A socket unit starts a service that is not active; another cause examines the socket.
    if not is_failing and (service.sockets or found.get("ActiveState") in ("active", "activating", "reloading")):
        return None
    target = " ".join(visit.pass_directive.args) if visit.pass_directive else ""
    cause = f"{service.unit}, which is meant to answer at {target}, does not run: it is {systemd.state(found)}"
    if not is_failing:
        enable = "" if service.is_enabled else f"`systemctl enable --now {service.unit}` starts it at each boot, too. "
        return Finding(visit.request.site, f"{cause}.", f"`systemctl start {service.unit}`. {enable}".rstrip())
    words = redact(systemd.last_words(visit.host.run, service.unit, {}), evidence.secrets(visit))
    said = f". Its journal says: {words}" if words else ""
    remedy = (
        f"Read `journalctl -n 50 -u {service.unit}`, correct what it names, then `systemctl restart {service.unit}`."
    )
    return Finding(visit.request.site, f"{cause}{said}.", remedy)
