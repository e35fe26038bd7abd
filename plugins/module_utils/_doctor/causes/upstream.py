# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why nginx gets no answer from an application: 502, 504, and an application's own 500."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import address as addresses
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import log, permissions, sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import app as apps
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer, Request
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

TIMEOUTS = {
    "proxy_pass": "proxy_read_timeout",
    "uwsgi_pass": "uwsgi_read_timeout",
    "fastcgi_pass": "fastcgi_read_timeout",
}


def explain(host: Host, request: Request, location: Directive, answer: Answer, asked: float) -> list[Finding]:
    """Why the application behind *location* does not answer. *asked* is when it was asked."""
    app = sites.app_of(location)
    known = answer.error == "hopeless"
    broken = apps.explain(host.run, request.site, app, is_known_to_fail=known) if app else None
    if broken:
        return [broken]
    for address in sites.addresses(location):
        found = _unreachable(host, request.site, location, address)
        if found:
            return [found]
    if answer.status == 504 or answer.error == "timeout":
        return [_slow(host, request, location, app)]
    told = [one.text for one in log.recent(location, host.nginx, asked) if one.host in (request.name, request.host)]
    target = " ".join(_passed(location).args)
    said = f"nginx says: {told[-1]}" if told else "and nginx's error log has no word of it"
    return [
        Finding(
            request.site,
            f"The application behind {target} ({_passed(location).where}) takes the connection and then fails: {said}.",
            f"See what it says: {_journal(app)}.",
        )
    ]


def failed(host: Host, request: Request, location: Directive, status: int) -> Finding:
    """The application's own error."""
    app = sites.app_of(location)
    said = ""
    if app:
        unit = apps.service(app)
        variables = systemd.environment(os.path.join(App(app).link, "env"))
        said = f" Its journal last says: {systemd.last_words(host.run, unit, variables)}"
    what = f"the app {app}" if app else f"the application behind {_passed(location).args[0]}"
    cause = f"{what[0].upper()}{what[1:]} itself answers {status} to {request.path.partition('?')[0]}.{said}"
    return Finding(request.site, cause, f"See what it says: {_journal(app)}.")


def _passed(location: Directive) -> Directive:
    return sites.passed_to(location) or location


def _journal(app: str) -> str:
    return f"`journalctl -n 50 -u '{app}-web@*'`" if app else "the application's own log"


def _unreachable(host: Host, site: str, location: Directive, address: str) -> Finding | None:
    where = _passed(location).where
    path = addresses.unix_path(address)
    if path:
        kept_out = permissions.blocked(host, path, "w")
        if kept_out:
            return Finding(site, f"nginx cannot reach the socket {path}: {kept_out[0]}.", kept_out[1])
    refusal = addresses.refusal(host, address)
    if not refusal:
        return None
    cause = f"nginx hands the requests to {address} ({where}), where {refusal}"
    real, remedy = addresses.real_address(host, location)
    return Finding(site, f"{cause}{real}.", remedy or f"Start the application that has to listen on {address}.")


def _slow(host: Host, request: Request, location: Directive, app: str) -> Finding:
    option = TIMEOUTS[_passed(location).name]
    given = location.inherited(option)
    limit = f"{option} {given.args[0]} ({given.where})" if given else f"{option} 60s (nginx's default)"
    who = f"The app {app}" if app else f"The application behind {_passed(location).args[0]}"
    path = request.path.partition("?")[0]
    return Finding(
        request.site,
        f"{who} takes the connection and does not answer {path} within {limit}.",
        f"See what keeps it: {_journal(app)}. If the page needs that long, raise {option}"
        + (" of the site in django_sites." if host.is_ours(location) else f" in {_passed(location).path}."),
    )
