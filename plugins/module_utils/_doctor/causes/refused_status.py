# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers 401, 403, 405, 408, 411, 413, 414, 429 and 431: who refuses the request, by which rule or limit."""

from __future__ import annotations

import re

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import access, evidence, places, rule_places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.refusals import LIMITED, REFUSALS
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

# The directive with the limit or the rule by which nginx refuses a request, and nginx's default. nginx never sends 408:
# it closes the connection, and only its access log has that status (ngx_http_finalize_request()).
RULES = {
    401: ("auth_basic", ""),
    403: ("deny", ""),
    413: ("client_max_body_size", "1m"),
    414: ("large_client_header_buffers", "4 8k"),
    429: ("limit_req", ""),  # or limit_conn, as the error log says
    431: ("large_client_header_buffers", "4 8k"),
}
# ngx_http_auth_basic_module: the file of the users.
USERS = re.compile(r'open\(\) "([^"]+)" failed \((\d+): ([^)]+)\)')
LINE_OF_GUNICORN, FIELD_OF_GUNICORN = "--limit-request-line 8190", "--limit-request-field_size"
FIELD_BYTES = 16380  # twice gunicorn's default
# gunicorn's pages (util.write_error).
OF_GUNICORN = re.compile(r"<h1><p>[^<]{1,100}</p></h1>")


def explain(visit: Visit) -> Finding | None:
    """The rule of nginx, or the words of the application. Only a page that the operator names may need no such rule."""
    if visit.status not in REFUSALS or not (visit.is_target or visit.is_failing):
        return None
    if visit.is_by_nginx:
        return _by_nginx(visit)
    who = visit.application[0].upper() + visit.application[1:]
    cause = f"{who} itself answers {visit.status} to {visit.request.plain_path} ({visit.location.where} passes it on)"
    if visit.status == 405:
        cause += f": this URL takes {visit.answer.allow or 'other methods'}, and the doctor sends GET"
        return Finding(
            visit.request.site, f"{cause}.", "If visitors get 405 from a form or an API, read its URLconf and view."
        )
    if visit.status == 401 and visit.answer.challenge:
        cause += f": it asks for a login ({evidence.quoted(visit, visit.answer.challenge)})"
        return Finding(visit.request.site, f"{cause}.", "Request it with a login, or read the view's permissions.")
    words = evidence.last_error(visit, evidence.journal_lines(visit)) or evidence.body_words(visit)
    cause += f": {words}" if words else ""
    if OF_GUNICORN.search(visit.answer.body) and visit.status in (414, 431):
        cause += ". This is a limit of gunicorn"
        return _by_gunicorn(visit, cause)
    if OF_GUNICORN.search(visit.answer.body):
        return Finding(
            visit.request.site, f"{cause}.", f"gunicorn, not Django, refuses it: read {evidence.log_command(visit)}."
        )
    return Finding(visit.request.site, f"{cause}.", f"Read the view's permissions, and {evidence.log_command(visit)}.")


def _by_gunicorn(visit: Visit, cause: str) -> Finding:
    """The request line or a header is too large for gunicorn, mostly that with the cookies."""
    site, cookies = visit.request.site, visit.cookie_bytes
    if visit.status == 414:
        remedy = f"Send a shorter request, or write `{LINE_OF_GUNICORN}` in its command."
        return Finding(site, f"{cause}.", remedy)
    size = FIELD_BYTES * (cookies // FIELD_BYTES + 1)
    if not cookies:
        remedy = f"Send smaller headers, or write `{FIELD_OF_GUNICORN} {size}` in its command."
        return Finding(site, f"{cause}.", remedy)
    remedy = "Let the application set fewer or shorter cookies, or write"
    cause = f"{cause}, and the cookies have {cookies} bytes"
    return Finding(site, f"{cause}.", f"{remedy} `{FIELD_OF_GUNICORN} {size}` in the command of gunicorn.")


def _by_nginx(visit: Visit) -> Finding:
    path, where = visit.request.plain_path, " ".join(visit.location.args) or "server"
    cause = f"nginx itself answers {visit.status} to {path} (location {where}, {visit.location.where})"
    words = evidence.nginx_words(visit)
    logged = f"; its error log says {words}" if words else ""
    subrequest = visit.location.inherited("auth_request")
    if visit.status in (401, 403) and subrequest and subrequest.args[:1] != ("off",):
        cause += f": '{' '.join((subrequest.name, *subrequest.args))}' ({subrequest.where}) decides who may"
        return Finding(
            visit.request.site, f"{cause}{logged}.", f"Ask for what {subrequest.args[0]} answers, and log in."
        )
    users = USERS.search(words) if visit.status in (401, 403) else None
    file = visit.location.inherited("auth_basic_user_file")
    if users and file and file.args[:1] == (users[1],):
        cause += f": it cannot read the users of auth_basic, {users[1]} ({file.where}): {users[3]}"
        remedy = (
            f"Make {users[1]} a file that nginx's user {visit.host.user[0]} may read (htpasswd(1) writes its lines)."
        )
        return Finding(visit.request.site, f"{cause}.", remedy)
    name, default = RULES.get(visit.status, ("", ""))
    rule = visit.location.inherited(name) if name else None
    if name == "deny":
        rule = access.refusing(visit.location, visit.answer.client)
        name = access.option(rule) if rule else name
    elif name == "limit_req" and any(_is_of_connections(entry.text) for entry in visit.log_lines):
        name = "limit_conn"
        rule = visit.location.inherited(name)
    if rule is None and not default:
        return Finding(
            visit.request.site, f"{cause}{logged}.", f"Read {visit.location.where}: it refuses this request."
        )
    cause += f": {_rule(rule, name, default)}{logged}"
    return Finding(visit.request.site, f"{cause}.", _remedy(visit, rule, name))


def _is_of_connections(text: str) -> bool:
    found = LIMITED.match(text)
    return found is not None and found[1] == "connections"


def _rule(rule: Directive | None, name: str, default: str) -> str:
    if rule and name in ("allow", "deny"):
        return f"{access.described(rule)} ({rule.where})"
    return f"'{' '.join((rule.name, *rule.args))}' ({rule.where})" if rule else f"{name} is {default}, nginx's default"


def _remedy(visit: Visit, rule: Directive | None, name: str) -> str:
    if name == "auth_basic":
        change = "remove the rule"
        if rule and visit.host.is_managed(rule):
            change = rule_places.change(visit.host, visit.location, rule, name)
        return f"The page asks for a password, and the doctor has none. If it is meant to be open, {change}."
    if name == "large_client_header_buffers":
        return f"Send a shorter request, or {places.larger_header_buffers(visit.host, visit.server)}."
    return f"If visitors are meant to be served, {rule_places.change(visit.host, visit.location, rule, name)}."
