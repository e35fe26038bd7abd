# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx ends the connection without an answer."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import commands, log
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Problem
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """A server that returns 444, a failed TLS handshake, or another closed connection."""
    request, answer = visit.request, visit.answer
    if answer.problem not in (Problem.TLS, Problem.CLOSED):
        return None
    silent = visit.server.own("return")
    if silent and silent.args[:1] == ("444",):
        cause = f"nginx closes the connection for {request.name}: 'return 444' ({silent.where})"
        return Finding(request.site, f"{cause}.", f"Give {request.name} a server of its own.")
    if request.tls and request.listens_with_tls is False:
        cause = (
            f"Port {request.port} speaks plain HTTP ({visit.server.where}), and the request for {request.url} uses TLS"
        )
        plain = f"http://{request.host}{request.plain_path}"
        return Finding(request.site, f"{cause}.", f"Request {plain}, or give the site TLS on this port.")
    what = "rejects the TLS handshake" if answer.problem is Problem.TLS else "closes the connection without an answer"
    cause = f"nginx {what} for {request.url} ({visit.server.where}): {answer.detail}"
    read = commands.command("tail", log.path_for(visit.host, visit.server))
    return Finding(request.site, f"{cause}.", f"Read its log: {read}.")
