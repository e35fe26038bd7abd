# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A worker of the application that ended before it had answered."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

ENDED = re.compile(r"upstream prematurely closed connection|\(104: |\(32: ")
# What gunicorn and uwsgi log of a worker that does not answer in time, and of one that a signal ended.
TIMEOUT = re.compile(r"WORKER TIMEOUT|HARAKIRI")
SHORTEST_TIMEOUT = 0.5  # seconds
SIGNAL = re.compile(r"was sent (SIG[A-Z]+)|died.*signal (\d+)|killed by signal (\d+)")


def explain(visit: Visit) -> Finding | None:
    """nginx's error line says that the connection ended, and the application's journal why."""
    passing = visit.pass_directive
    if passing is None:
        return None
    target = f"{' '.join(passing.args)} ({passing.where})"
    if visit.status == 500 and not visit.is_by_nginx and visit.answer.ended - visit.answer.began >= SHORTEST_TIMEOUT:
        # gunicorn tells a worker to end, which may still answer 500.
        return _timed_out(visit, f"The application behind {target} answers 500")
    line = next((entry for entry in visit.log_lines if entry.upstream and ENDED.search(entry.text)), None)
    if line is None:
        return None
    cause = f"The application behind {target} takes the connection and then fails: nginx's error log says: {line.text}"
    timed_out = _timed_out(visit, cause)
    if timed_out:
        return timed_out
    log, words = evidence.log_command(visit), evidence.journal_lines(visit)
    why = _why(visit, words)
    if why:
        return Finding(visit.request.site, f"{cause}. Its journal says: {why}", f"Read {log}.")
    unit = evidence.unit(visit)
    silent = f". The journal of {unit} says nothing about it" if unit else ""
    return Finding(visit.request.site, f"{cause}{silent}.", f"Read {log}.")


def _timed_out(visit: Visit, cause: str) -> Finding | None:
    """The server of the application ended the worker, as its journal says."""
    if not any(TIMEOUT.search(one) for one in evidence.journal_lines(visit)):
        return None
    cause = f"{cause}. Its journal says that the worker was ended because it took too long (WORKER TIMEOUT)"
    option = (
        "option `timeout` of the app in django_apps" if visit.app else "`--timeout SECONDS` in the command of gunicorn"
    )
    remedy = (
        f"Find out what takes the time: {evidence.log_command(visit)}. If the page needs it, give the server a longer"
    )
    return Finding(visit.request.site, f"{cause}.", f"{remedy} timeout: {option}.")


def _why(visit: Visit, words: Sequence[str]) -> str:
    signals = [one for one in words if SIGNAL.search(one)]
    return evidence.last_error(visit, words) or (evidence.quoted(visit, signals[-1]) if signals else "")
