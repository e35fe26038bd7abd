# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An answer 400: nginx, the application's server or Django rejects the request itself."""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import direct, evidence, places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import sent_headers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.redirect_loop import scheme_remedy
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import ask
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.refusals import NGINX_PAGE
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import variables
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import modifier

SECONDS = 10.0
# A path that no application has.
NO_PAGE = "gatehouse-doctor/no-such-page"
# Of ngx_http_special_response.c.
TLS_EXPECTED = "The plain HTTP request was sent to HTTPS port"
TOO_LARGE = "Request Header Or Cookie Too Large"
NO_CERTIFICATE = re.compile(r"No required SSL certificate was sent|The SSL certificate error")
# gunicorn's pages (util.write_error).
OF_GUNICORN = re.compile(r"<h1><p>[^<]{1,100}</p></h1>\s*([^<]{0,300})")
# django.http.request.HttpRequest.get_host(), in the journal or on Django's page where DEBUG is True.
INVALID_HOST = re.compile(r"Invalid HTTP_HOST header: '([^']{0,200})'")


def explain(visit: Visit) -> Finding | None:
    """Who answers 400, by the page of the answer, and why."""
    if visit.status != 400:
        return None
    return _by_nginx(visit) if visit.is_by_nginx else _by_server(visit) or _by_application(visit)


def _by_nginx(visit: Visit) -> Finding | None:
    request, body = visit.request, visit.answer.body
    is_plain = TLS_EXPECTED in body or _is_plain(visit)
    if is_plain and len(visit.steps) > 1 and visit.steps[-2].request.tls:
        before = replace(visit, steps=visit.steps[:-1])
        cause = f"{before.request.url} redirects to {request.url}, which has lost HTTPS: {before.application} answers"
        remedy = f"It does not know that the visitor uses HTTPS: {scheme_remedy(before)}"
        return Finding(request.site, f"{cause} {before.status}.", remedy)
    if is_plain:
        cause = (
            f"Port {request.port} speaks TLS ({visit.server.where}), and the request for {request.url} came without it"
        )
        return Finding(request.site, f"{cause}.", f"Request https://{request.name}:{request.port}{request.plain_path}.")
    given = visit.server.inherited("large_client_header_buffers")
    cookies = visit.cookie_bytes
    # A page of the site's own does not say it.
    if TOO_LARGE in body or (not NGINX_PAGE.search(body) and cookies >= _buffer(given)):
        limit = f"{' '.join(given.args)} ({given.where})" if given else "4 8k, nginx's default"
        what = f": its cookies have {cookies} bytes" if cookies else ""
        cause = f"nginx itself answers 400 to {request.plain_path}, as a header is too large{what}. The limit is"
        cause = f"{cause} large_client_header_buffers {limit}"
        fewer = "Let the application set fewer or shorter cookies. Or" if cookies else "Send smaller headers, or"
        remedy = f"{fewer} {places.larger_header_buffers(visit.host, visit.server)}."
        return Finding(request.site, f"{cause}.", remedy)
    if NO_CERTIFICATE.search(body):
        return None if not visit.is_target else _client_certificate(visit)
    return None


def _is_plain(visit: Visit) -> bool:
    """Whether the request came without TLS to a port of the server that has it."""
    mine = [one for one in visit.host.listens if one.server is visit.server and one.port == str(visit.request.port)]
    return not visit.request.tls and bool(mine) and all(one.tls for one in mine)


def _buffer(given: Directive | None) -> int:
    """The bytes of the largest header that nginx reads."""
    size = re.fullmatch(r"(\d+)(k?)", given.args[-1], re.IGNORECASE) if given and given.args else None
    return int(size[1]) * (1024 if size[2] else 1) if size else 8192


def _client_certificate(visit: Visit) -> Finding:
    rule = visit.server.inherited("ssl_verify_client")
    where = f" (ssl_verify_client, {rule.where})" if rule else ""
    cause = f"nginx answers 400 to visitors without a certificate of their own{where}, and the doctor has none"
    return Finding(visit.request.site, f"{cause}.", "Request the page with a client certificate.")


def _by_server(visit: Visit) -> Finding | None:
    """The application's server rejects the request before Django gets it."""
    found = OF_GUNICORN.search(visit.answer.body)
    if not found:
        return None
    words = evidence.quoted(visit, " ".join(found[1].split()))
    who = visit.application[0].upper() + visit.application[1:]
    cause = f"{who} answers 400 to {visit.request.plain_path}: its server, not Django, rejects the request: {words}"
    remedy = f"Read {evidence.log_command(visit)}."
    if "Request Line is too large" in words:
        remedy = "Request a shorter URL, or write `--limit-request-line 8190` in the command of gunicorn."
    elif "field" in words.lower():
        remedy = "Send smaller headers, or write `--limit-request-field_size 16380` in the command of gunicorn."
    elif "scheme" in words.lower():
        remedy = (
            f"Let {visit.location.where} set one header with the scheme: 'proxy_set_header X-Forwarded-Proto $scheme;'."
        )
        if visit.host.is_managed(visit.location):
            others = "Gatehouse sends the scheme in X-Forwarded-Proto: remove other such headers, like X-Forwarded-Ssl,"
            remedy = f"{others} from {places.in_snippet(visit.host, visit.location)}."
    return Finding(visit.request.site, f"{cause}.", remedy)


def _by_application(visit: Visit) -> Finding | None:
    lines = evidence.journal_lines(visit)
    found = (INVALID_HOST.search(_plain(text)) for text in (*lines, visit.answer.body))
    named = next((one for one in found if one and _is_own(visit, one[1])), None)
    if named:
        return _host(
            visit, named[1], "its log says so" if named.string != _plain(visit.answer.body) else "its page says so"
        )
    if _answers_to_any_path(visit):
        return _host(visit, "", "it answers 400 to each path, also to one that it cannot have")
    if not visit.is_failing:
        return None
    who = visit.application[0].upper() + visit.application[1:]
    words = evidence.last_error(visit, lines) or evidence.body_words(visit)
    cause = (
        f"{who} itself answers 400 to {visit.request.plain_path}, and not to other paths with the same Host: the page"
    )
    cause = f"{cause} rejects the request{f': {words}' if words else ''}"
    return Finding(visit.request.site, f"{cause}.", f"Read {evidence.log_command(visit)}.")


def _is_own(visit: Visit, host: str) -> bool:
    """Whether the visit itself sent this Host: a visitor may have sent another one, such as '*', in the same moment."""
    headers = {name.lower(): value for name, value in sent_headers(visit.location)}
    known = {visit.request.name, visit.request.host, direct.upstream_name(visit)}
    known |= {headers[name] for name in ("host", "x-forwarded-host") if name in headers}
    return bool(host) and (host in known or re.sub(r":\d+$", "", host) in known)


def _plain(text: str) -> str:
    return text.replace("&#x27;", "'").replace("&#39;", "'")


def _answers_to_any_path(visit: Visit) -> bool:
    """Whether the application rejects another path as well: then the reason is in what all requests share."""
    kind, prefix = modifier(visit.location)
    top = prefix if kind in ("", "^~") and prefix.startswith("/") else "/"
    other = replace(visit.request, path=f"{top.rstrip('/')}/{NO_PAGE}")
    return ask(other, [], SECONDS).status == 400


def _host(visit: Visit, seen: str, why: str) -> Finding | None:
    """The Host that Django rejects: the visitor's, or another one that nginx sends."""
    location, name, passing = visit.location, visit.request.name, visit.pass_directive
    sent = dict(sent_headers(location)).get("Host")
    target = passing.args[0] if passing and passing.args else ""
    if sent in (None, "$proxy_host") and passing and passing.name == "proxy_pass":
        seen = seen or direct.upstream_name(visit)
        cause = f"The application behind {target} answers 400 to the Host {seen}, which ALLOWED_HOSTS lacks ({why}):"
        cause = f"{cause} without a 'proxy_set_header Host' in {location.where} nginx sends the name of that address"
        remedy = places.remedy(visit.host, location, "proxy_set_header Host $host;", "proxy_set_header Host $host;")
        return Finding(visit.request.site, f"{cause} instead of {name}.", remedy)
    host = re.sub(r":\d+$", "", seen) or name
    cause = (
        f"The application behind {target} answers 400 to the Host {seen or name}, as Django does where ALLOWED_HOSTS"
    )
    variable = variables.name_for(evidence.environment(visit), "ALLOWED_HOSTS")
    if variable:
        remedy = f'Add "{host}" to the variable {variable} in the environment of {visit.app or "its service"}'
        remedy = f"{remedy}{', in the inventory' if visit.app else ''}."
        return Finding(visit.request.site, f"{cause} lacks it ({why}).", remedy)
    where = "its settings" if not visit.app else f"the settings of {visit.app}"
    remedy = f'Add "{host}" to the list in {where}: ALLOWED_HOSTS = ["{host}"].'
    return Finding(visit.request.site, f"{cause} lacks it ({why}).", remedy)
