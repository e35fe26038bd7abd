# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the application behind a visit has logged about it, and what its answer contains.

An application decides each byte of both. All texts are limited here; Finding escapes them.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import journal, systemd, tracebacks, untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact, secrets_of, without_tokens
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import apps, services
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

MAX_LINES = 300
MAX_LENGTH = 4000  # characters of a line that are examined
SHOWN = 300  # characters of a quotation
TAG = re.compile(r"<(?:style|script|head)\b.*?</(?:style|script|head)>|<[^>]{0,1000}>", re.DOTALL | re.IGNORECASE)


def service_of(visit: Visit) -> Service | None:
    """The service of systemd that listens where nginx passes the request; None for an app of Gatehouse, or none."""
    return None if visit.app else services.behind(visit.host, visit.location)


def unit(visit: Visit) -> str:
    """The unit of the application, empty where systemd has none."""
    if visit.app:
        return apps.service(visit.app) if App(visit.app).current() else ""
    service = service_of(visit)
    return service.unit if service else ""


def log_command(visit: Visit) -> str:
    """Where the operator reads what the application logs."""
    name = unit(visit)
    if visit.app:
        return apps.log_command(visit.app)
    return f"`journalctl -n 50 -u {name}`" if name else "the application's own log"


def journal_lines(visit: Visit) -> list[str]:
    """What the application has written to the journal since the visits began."""
    name = unit(visit)
    if not name or not visit.started:
        return []
    options = ["--output=cat", f"--lines={MAX_LINES}", f"--since=@{int(visit.started)}", f"_SYSTEMD_UNIT={name}"]
    text = journal.read(visit.host.run, options)
    return [line[:MAX_LENGTH] for line in tracebacks.lines_of(text) if line.strip()]


def last_error(visit: Visit, lines: Sequence[str]) -> str:
    """The last exception in *lines* with its place, or the last line with such an exception; empty for none."""
    found = tracebacks.last_exception(lines)
    if not found:
        errors = [match[1] for line in lines if (match := systemd.EXCEPTION.match(line))]
        found = errors[-1] if errors else ""
    return quoted(visit, found)


def quoted(visit: Visit, text: str) -> str:
    """*text* as a finding may show it: without the application's secrets and the values of queries, and not long."""
    return without_tokens(redact(text[:MAX_LENGTH], secrets(visit)))[:SHOWN]


def secrets(visit: Visit) -> list[str]:
    """The secrets in the environment of the application."""
    return secrets_of(environment(visit))


def environment(visit: Visit) -> Mapping[str, str]:
    """The environment of the application, as far as systemd knows it."""
    if visit.app:
        return systemd.environment(os.path.join(App(visit.app).link, "env"))
    service = service_of(visit)
    return services.environment(service) if service else {}


def body_words(visit: Visit) -> str:
    """The text of the last answer, without its markup; empty for none."""
    text = html.unescape(TAG.sub(" ", visit.answer.body[:MAX_LENGTH]))
    return quoted(visit, untrusted.harmless(" ".join(text.split())))


def nginx_words(visit: Visit) -> str:
    """The last line of nginx's error log about the request, with its severity; empty for none."""
    return f"[{visit.log_lines[-1].level}] {visit.log_lines[-1].text[:SHOWN]}" if visit.log_lines else ""
