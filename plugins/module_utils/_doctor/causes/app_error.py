# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that answers with an error of its own: 500 and above."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._app import sandbox_errors
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.pages import error_sentence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import app_log, commands, evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

CONSOLE = (
    'LOGGING = {"version": 1, "disable_existing_loggers": False, "handlers": {"console": {"class": '
    '"logging.StreamHandler"}}, "loggers": {"django": {"handlers": ["console"], "level": "INFO"}}}'
)


def explain(visit: Visit) -> Finding | None:
    """The error, with the traceback from the application's journal or from its own log file."""
    if visit.pass_directive is None or visit.status < 500 or visit.is_unanswered or visit.is_by_nginx:
        return None
    who = visit.application[0].upper() + visit.application[1:]
    words = evidence.last_error(visit, evidence.journal_lines(visit))
    if words:
        hint = sandbox_errors.explain(words, App(visit.app)) if visit.app else ""
        cause = error_sentence(who, visit.status, visit.request.plain_path, f" Its journal says: {words}")
        return Finding(visit.request.site, cause, f"{hint} Read {evidence.log_command(visit)}.".lstrip())
    place, words = app_log.last_error(visit)
    if words:
        cause = error_sentence(who, visit.status, visit.request.plain_path, f" Its log {place} says: {words}")
        read = commands.command("tail", "-n", "100", place) or commands.named(place)
        return Finding(visit.request.site, cause, f"Read {read}.")
    return _silent(visit, who)


def _silent(visit: Visit, who: str) -> Finding:
    said = evidence.body_words(visit)
    shown = f" The answer says: {said}" if said else ""
    unit = evidence.unit(visit)
    if visit.status != 500 or not unit:
        cause = error_sentence(who, visit.status, visit.request.plain_path, shown)
        return Finding(visit.request.site, cause, f"Read {evidence.log_command(visit)}.")
    cause = error_sentence(
        who, visit.status, visit.request.plain_path, f" The journal of {unit} says nothing about it.{shown}"
    )
    remedy = "By default Django logs no error to the journal where DEBUG is False. To see the traceback, write in the"
    return Finding(visit.request.site, cause, f"{remedy} settings: `{CONSOLE}`, restart {unit}, and ask again.")
