# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that takes the connection and does not answer in time."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.apps import log_command
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Problem
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

TIMEOUTS = {
    "proxy_pass": "proxy_read_timeout",
    "uwsgi_pass": "uwsgi_read_timeout",
    "fastcgi_pass": "fastcgi_read_timeout",
}


def explain(visit: Visit) -> Finding | None:
    """The time limit of nginx, and the option that sets it."""
    passing = visit.pass_directive
    if passing is None or not (visit.status == 504 or visit.answer.problem is Problem.TIMEOUT):
        return None
    option = TIMEOUTS[passing.name]
    given = visit.location.inherited(option)
    limit = f"{option} {given.args[0]} ({given.where})" if given else f"{option} 60s (nginx's default)"
    who = visit.application[0].upper() + visit.application[1:]
    place = "of the site in django_sites" if visit.host.is_managed(visit.location) else f"in {passing.path}"
    return Finding(
        visit.request.site,
        f"{who} takes the connection and does not answer {visit.request.plain_path} within {limit}.",
        f"Find out what takes the time: {log_command(visit.app)}. If the page needs it, raise {option} {place}.",
    )
