# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that takes the connection and does not answer in time."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import evidence, rule_places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Problem
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

CONNECTING = "while connecting to upstream"


def explain(visit: Visit) -> Finding | None:
    """The time limit of nginx, and the option that sets it. An error line says what nginx waited for."""
    passing = visit.pass_directive
    if passing is None or not visit.is_unanswered:
        return None
    if not (visit.status == 504 or visit.answer.problem is Problem.TIMEOUT):
        return None
    prefix = passing.name.removesuffix("_pass")
    is_connecting = any(CONNECTING in entry.text for entry in visit.log_lines)
    option = f"{prefix}_connect_timeout" if is_connecting else f"{prefix}_read_timeout"
    given = visit.location.inherited(option)
    limit = f"{option} {given.args[0]} ({given.where})" if given else f"{option} 60s (nginx's default)"
    who = visit.application[0].upper() + visit.application[1:]
    if is_connecting:
        addresses = ", ".join(dict.fromkeys(entry.upstream for entry in visit.log_lines if entry.upstream))
        cause = (
            f"{who} does not take a connection within {limit}: nginx's error log says that it timed out {CONNECTING}"
        )
        remedy = f"Nothing answers at {addresses or passing.args[0]}: correct the address, or let the firewall pass it."
        return Finding(visit.request.site, f"{cause}.", remedy)
    place = (
        rule_places.in_inventory(visit.location, given, f"{option}: SECONDS")
        if visit.host.is_managed(visit.location)
        else f"'{option} SECONDS;' in {visit.location.where}"
    )
    cause = f"{who} takes the connection and does not answer {visit.request.plain_path} within {limit}"
    if visit.answer.problem is Problem.TIMEOUT:
        # nginx keeps the beginning of a page until its buffer is full.
        seconds = visit.answer.ended - visit.answer.began
        cause = f"{who} takes the connection, but the page {visit.request.plain_path} did not end within {seconds:.0f}"
        cause = f"{cause} seconds, the doctor's limit for a site; nginx waits for each part of it up to {limit}"
    return Finding(
        visit.request.site,
        f"{cause}.",
        f"Find out what takes the time: {evidence.log_command(visit)}. If the page needs it, write {place}.",
    )
