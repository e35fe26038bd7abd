# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an answer to its cause."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import target as urls
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import files, links, upstream
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import redirect as redirects
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer, Request, Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive


def explain(host: Host, steps: Visit, *, asked_for: bool, since: float) -> list[Finding]:
    """Why the last of *steps* is not what a visitor wants. *asked_for* says that the operator has named the page."""
    request, answer = steps[-1]
    server, location = urls.location_of(host, request)
    if server is None or location is None:
        return []
    if not answer.status and answer.error not in ("timeout", "hopeless"):
        return [_no_answer(request, answer, server)]
    redirect = redirects.explain(host, steps)
    if redirect:
        return [redirect]
    location = sites.handler(server, location)
    passed = sites.passed_to(location)
    if passed is None:
        if answer.status in (403, 404):
            link = links.explain(host, request, location, since)
            if link:
                return [link]
            return files.explain(host, request, location, answer.status, asked_for=asked_for)
        return [_given_up(request, location, answer.status)] if answer.status >= 500 else []
    if answer.status in (0, 502, 504):
        return upstream.explain(host, request, location, answer, since)
    if answer.status == 400:
        asks = server.inherited("ssl_verify_client")
        # nginx answers so itself to whoever brings no certificate.
        return [] if asks and asks.args == ("on",) else [_bad_request(request, location)]
    if answer.status >= 500:
        return [upstream.failed(host, request, location, answer.status)]
    if asked_for and answer.status in (403, 404):
        return [links.explain(host, request, location, since) or _handed_over(request, location, answer.status)]
    return []


def _no_answer(request: Request, answer: Answer, server: Directive) -> Finding:
    if answer.error == "refused":
        cause = f"nginx runs, but nothing listens on {request.address}:{request.port}, which {server.where} asks for"
        return Finding(request.site, f"{cause}: nginx has not read it.", "`nginx -t && systemctl reload nginx`")
    silent = server.own("return")
    if silent and silent.args[:1] == ("444",):
        cause = f"nginx closes the connection for {request.name}: 'return 444' ({silent.where})"
        return Finding(request.site, f"{cause}.", f"Give {request.name} a server of its own.")
    kind, _colon, said = answer.error.partition(": ")
    what = "refuses the handshake" if kind == "tls" else "closes the connection without an answer"
    log = server.inherited("error_log")
    path = log.args[0] if log and log.args else "/var/log/nginx/error.log"
    cause = f"nginx {what} for {request.url} ({server.where}): {said}"
    return Finding(request.site, f"{cause}.", f"See what it says: `tail {path}`.")


def _given_up(request: Request, location: Directive, status: int) -> Finding:
    given = location.own("return")
    said = f" by '{' '.join((given.name, *given.args))}' ({given.where})" if given else f" ({location.where})"
    cause = f"nginx itself answers {status} to {request.path.partition('?')[0]}{said}, and asks no application"
    # That is what `maintenance` makes.
    remedy = "If the maintenance is over: 'maintenance: false' for the site, or that line taken out."
    return Finding(request.site, f"{cause}.", remedy if status == 503 else f"Mend {location.where}.")


def _bad_request(request: Request, location: Directive) -> Finding:
    passed = sites.passed_to(location)
    target = passed.args[0] if passed else ""
    sent = dict(sites.headers(location)).get("Host")
    if sent in (None, "$proxy_host") and passed and passed.name == "proxy_pass":
        cause = f"The application behind {target} answers 400: without a 'proxy_set_header Host' in {location.where}"
        cause += f" nginx sends it the Host of that address instead of {request.name}, which ALLOWED_HOSTS lacks"
        line = "'proxy_set_header Host $host;'"
        return Finding(request.site, f"{cause}.", f"Add {line} to {location.where} and `systemctl reload nginx`.")
    cause = f"The application behind {target} answers 400 to the Host {request.name}, as Django does where"
    remedy = f'ALLOWED_HOSTS = ["{request.name}"] in its settings, beside what is there.'
    return Finding(request.site, f"{cause} ALLOWED_HOSTS lacks it.", remedy)


def _handed_over(request: Request, location: Directive, status: int) -> Finding:
    path = request.path.partition("?")[0]
    denied = location.inherited("deny")
    if status == 403 and denied:
        cause = f"nginx itself answers 403 to {path}: 'deny {' '.join(denied.args)}' ({denied.where})"
        return Finding(request.site, f"{cause}.", f"If {path} is to be served to all, change {denied.where}.")
    app = sites.app_of(location)
    who = f"the app {app}" if app else "the application"
    cause = (
        f"nginx hands {path} to {who} (location {' '.join(location.args)}, {location.where}), which answers {status}"
    )
    return Finding(
        request.site,
        f"{cause}: no location with a directory of files has this path.",
        f"If {path} is one of its URLs, see its URLconf and its log; if it is a file, give its path a location with an"
        " alias, as 'static' of a site does.",
    )
