# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why nginx gets no answer from an application: 502, 504, and an application's own 500."""

from __future__ import annotations

import os
import re
import shutil
import socket
from glob import glob

from ansible_collections.gatehouse.django.plugins.module_utils import _doctor_app as apps
from ansible_collections.gatehouse.django.plugins.module_utils import _doctor_log as log
from ansible_collections.gatehouse.django.plugins.module_utils import _doctor_path as paths
from ansible_collections.gatehouse.django.plugins.module_utils import _doctor_sites as sites
from ansible_collections.gatehouse.django.plugins.module_utils import _doctor_units as units
from ansible_collections.gatehouse.django.plugins.module_utils._app_host import App
from ansible_collections.gatehouse.django.plugins.module_utils._doctor_ask import Answer, Request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor_finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor_host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_tree import Directive

PATIENCE = 3.0  # seconds for a connection
PYTHON = re.compile(r"gunicorn|uvicorn|daphne|hypercorn|granian|uwsgi|python[\d.]*", re.IGNORECASE)
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
        variables = units.environment(os.path.join(App(app).link, "env"))
        said = f" Its journal last says: {units.last_words(host.run, unit, variables)}"
    what = f"the app {app}" if app else f"the application behind {_passed(location).args[0]}"
    cause = f"{what[0].upper()}{what[1:]} itself answers {status} to {request.path.partition('?')[0]}.{said}"
    return Finding(request.site, cause, f"See what it says: {_journal(app)}.")


def _passed(location: Directive) -> Directive:
    given = sites.passed_to(location)
    assert given
    return given


def _journal(app: str) -> str:
    return f"`journalctl -n 50 -u '{app}-web@*'`" if app else "the application's own log"


def _unreachable(host: Host, site: str, location: Directive, address: str) -> Finding | None:
    where = _passed(location).where
    path = address.removeprefix("unix:") if address.startswith("unix:") else ""
    if path:
        kept_out = paths.blocked(host, path, "w")
        if kept_out:
            return Finding(site, f"nginx cannot reach the socket {path}: {kept_out[0]}.", kept_out[1])
    refusal = _connect(address, path)
    if not refusal:
        return None
    cause = f"nginx hands the requests to {address} ({where}), where {refusal}"
    real, remedy = _real_address(host, location)
    return Finding(site, f"{cause}{real}.", remedy or f"Start the application that has to listen on {address}.")


def _connect(address: str, path: str) -> str:
    """Why nobody can connect to *address*, nothing where one can."""
    try:
        if path:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE)
                client.connect(path)
        else:
            name, _colon, port = address.rpartition(":")
            socket.create_connection((name.strip("[]"), int(port)), timeout=PATIENCE).close()
    except FileNotFoundError:
        return "there is no socket"
    except ConnectionRefusedError:
        return "nothing listens"
    except TimeoutError:
        return f"nothing answers within {PATIENCE:.0f} seconds"
    except (OSError, ValueError) as error:
        return f"no connection is to be had: {getattr(error, 'strerror', None) or error}"
    return ""


def _real_address(host: Host, location: Directive) -> tuple[str, str]:
    """Where the application is really to be found, as the end of a sentence, and the line that leads there."""
    server = location
    while server.parent and server.name != "server":
        server = server.parent
    known = sorted(path.split("/")[2] for path in glob("/srv/*/current/web.sock"))
    # The files that the site publishes tell which of several apps it is.
    mine = {
        match[1] for _place, _path, alias in sites.published(server) if (match := re.match(r"/srv/([^/]+)/", alias))
    }
    likely = [app for app in known if app in mine] or known
    if len(likely) == 1:
        address = f"unix:{App(likely[0]).link}/web.sock"
        remedy = f"Write 'proxy_pass http://{address};' in {_passed(location).where} and `systemctl reload nginx`."
        if host.is_ours(location):
            remedy = f"Write 'app: {likely[0]}' in place of its upstream for the site in django_sites."
        return f"; the app {likely[0]} listens on {address}", remedy
    heard = [f"unix:{App(app).link}/web.sock" for app in known] + _listening(host)
    if not heard:
        return "", ""
    return (
        f"; on this host applications listen on {', '.join(heard)}",
        f"Write the address of the right one in {_place(host, location)}, or start the one that is meant.",
    )


def _place(host: Host, location: Directive) -> str:
    return "upstream of the site in django_sites" if host.is_ours(location) else _passed(location).where


def _listening(host: Host) -> list[str]:
    """What the host's Python servers listen on, over TCP."""
    if not shutil.which("ss"):
        return []
    _rc, out, _err = host.run(["ss", "-Hltnp"])
    found = []
    for line in out.splitlines():
        columns, process = line.split(), re.search(r'users:\(\("([^"]+)"', line)
        if len(columns) > 3 and process and PYTHON.match(process[1]):
            found.append(f"{columns[3]} ({process[1]})")
    return list(dict.fromkeys(found))


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
