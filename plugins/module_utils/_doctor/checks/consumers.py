# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers that run and take no work: their broker does not answer them, or they do not answer."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import journal, systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact, secrets_of, without_tokens
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.workers import (
    PROPERTIES,
    is_stopped,
    processes,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.reading import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.workers import asking, broker
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.workers.asking import Answer
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.workers.commands import (
    Program,
    Worker,
    recognize,
    words_of,
)

# A worker that has just started imports its project and connects first.
START_SECONDS = 60
LINES = 3  # of a worker's journal
SHOWN = 200  # characters of each


def check_consumers(host: Host, site: str, app: str, run: Run = asking.run_limited) -> list[Finding]:
    """What is wrong with the workers of *app* that run; nothing for those that cannot be asked."""
    if not os.path.isdir(App(app).link):
        return []
    known = [worker for unit, text in processes(app).items() if (worker := recognize(unit, words_of(text)))]
    states = systemd.show_all(host.run, [worker.unit for worker in known], PROPERTIES)
    running = [one for one in known if _runs(states.get(one.unit, {}))]
    by_program: dict[Program, list[Worker]] = {}
    for worker in running:
        by_program.setdefault(worker.program, []).append(worker)
    found = []
    for program, workers in by_program.items():
        answer = asking.ask(App(app), program, workers, run)
        found += _findings(_Subject(host, site, app), workers, states, answer)
    return found


def _runs(state: Mapping[str, str]) -> bool:
    return state.get("ActiveState") == "active" and not is_stopped(state)


class _Subject:
    """The app that the findings are about."""

    def __init__(self, host: Host, site: str, app: str) -> None:
        self.host, self.site, self.app = host, site, app
        self.secrets = secrets_of(systemd.environment(os.path.join(App(app).link, "env")))

    def hidden(self, text: str) -> str:
        """*text*, of which the app decides each byte, as a finding may show it."""
        return without_tokens(redact(text[: 10 * SHOWN], self.secrets))[:SHOWN]

    def finding(self, worker: Worker, cause: str, remedy: str) -> Finding:
        """The finding with the last lines of the worker's journal."""
        options = ["--output=cat", f"--lines={LINES}", f"_SYSTEMD_UNIT={worker.unit}"]
        lines = [self.hidden(line) for line in journal.read(self.host.run, options).splitlines() if line.strip()]
        said = f". Its journal ends with: {' | '.join(lines)}" if lines else ""
        return Finding(self.site, f"{cause}{said}.", remedy)


def _findings(
    subject: _Subject, workers: Sequence[Worker], states: Mapping[str, Mapping[str, str]], answer: Answer
) -> list[Finding]:
    if answer.phase == "broker" and answer.error:
        return [_unreachable(subject, workers, answer)]
    if answer.phase != "workers" or answer.error:
        return []
    found = []
    for worker in workers:
        node, pid = answer.nodes.get(worker.unit, ""), int(states[worker.unit].get("MainPID") or 0)
        answered, queues = answer.pids.get(node, ()), answer.queues.get(node, ())
        restart = f"`systemctl restart {worker.unit}`"
        if node and not answered and _age(states[worker.unit]) >= START_SECONDS:
            cause = f"The worker {worker.unit} of app {subject.app} runs, but it does not answer"
            cause = f"{cause} Celery's `inspect`, while its broker {subject.hidden(answer.broker)} does"
            found.append(subject.finding(worker, cause, restart))
        elif list(answered) == [pid] and list(queues) == [0]:
            cause = f"The worker {worker.unit} of app {subject.app} answers, but it takes tasks from no queue"
            found.append(subject.finding(worker, cause, restart))
    return found


def _unreachable(subject: _Subject, workers: Sequence[Worker], answer: Answer) -> Finding:
    units = ", ".join(worker.unit for worker in workers)
    where = subject.hidden(answer.broker)
    cause = f"The broker {where} does not answer app {subject.app} ({subject.hidden(answer.error)}), so its"
    cause = f"{cause} {'worker' if len(workers) == 1 else 'workers'} {units} can take no task"
    return subject.finding(workers[0], cause, broker.remedy(subject.host, answer.broker, workers[0].unit))


def _age(state: Mapping[str, str]) -> float:
    """Seconds since the unit is active."""
    return time.monotonic() - int(state.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
