# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A redirect of an application below a prefix to a page outside of the prefix, which is not there."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import direct
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import ask
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import destination
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import pass_directive
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Step, Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import modifier

SECONDS = 10.0


def explain(visit: Visit) -> Finding | None:
    """The first redirect that leaves the prefix of its location. Where the visitor arrives, the page must be absent."""
    if visit.status < 400:
        return None
    for step, following in zip(visit.steps, visit.steps[1:], strict=False):
        kind, prefix = modifier(step.request.location)
        is_prefix = kind in ("", "^~") and prefix.startswith("/") and prefix != "/"
        target = destination(step.request, step.answer)
        if not is_prefix or target is None or not pass_directive(step.request.location):
            continue
        if target.hostname == step.request.name and not f"{target.path}/".startswith(f"{prefix.rstrip('/')}/"):
            return _finding(visit, step, following, prefix.rstrip("/"))
    return None


def _finding(visit: Visit, step: Step, following: Step, prefix: str) -> Finding:
    request, at = step.request, replace(visit, steps=(step,))
    path = following.request.plain_path
    cause = f"{request.url} redirects out of {prefix}/: {at.application} answers {step.answer.status} with the Location"
    cause = f"{cause} {path}, which has not the prefix, and nginx answers {visit.status} there ({visit.location.where})"
    inside = replace(request, path=f"{prefix}{following.request.path}")
    status = ask(inside, [], SECONDS).status
    if status and status < 400:
        cause = f"{cause}. With the prefix, {inside.plain_path}, the answer is {status}"
    removed = direct.passed_uri(at)
    if removed == "/":
        why = f"proxy_pass ({at.pass_directive.where if at.pass_directive else ''}) takes {prefix}/ away before the"
        cause = f"{cause}. {why} application gets the path, so that it does not know it"
    if at.app:
        remedy = (
            f"Unless the app's entry in django_apps has `prefix: {prefix}/`, or its site `mounts` with that prefix,"
        )
        remedy = (
            f"{remedy} write it there and type `ansible-playbook gatehouse.django.site -e app={at.app}`. If it has,"
        )
        return Finding(request.site, f"{cause}.", f"{remedy} the project writes this URL itself: use reverse() there.")
    remedy = f'Write `FORCE_SCRIPT_NAME = "{prefix}"` in the settings, so that Django writes the prefix into its URLs'
    remedy = f"{remedy}, and name pages in settings such as LOGIN_URL by their URL names, not by paths"
    return Finding(request.site, f"{cause}.", f"{remedy}. Then restart the application.")
