# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the broker of workers, and the workers, in a process of the app: in its environment and its sandbox.

The app decides each byte of the answer. It can only say something wrong about its own workers.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.reading import Run, command, limited
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.workers import reader
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.workers.commands import Program, Worker

# Seconds. The program ends itself before; systemd ends a project that hangs where no signal reaches it.
LIMIT_SECONDS = reader.SECONDS + 5
# In the place of an import, `python -` reads the program and the call from standard input.
CALL = "\nmain(json.loads({}))\n"


@dataclass(frozen=True)
class Answer:
    """What the broker and the workers answered."""

    # How far the program came: import, broker, workers.
    phase: str = "import"
    error: str = ""
    # The broker's URL without its password.
    broker: str = ""
    # The name of each worker that can be expected to answer, by unit.
    nodes: Mapping[str, str] = field(default_factory=dict)
    # The process ids and the numbers of queues that answered for a name, which may be in use twice.
    pids: Mapping[str, Sequence[int]] = field(default_factory=dict)
    queues: Mapping[str, Sequence[int]] = field(default_factory=dict)


run_limited = limited(LIMIT_SECONDS)


def ask(app: App, program: Program, workers: Sequence[Worker], run: Run = run_limited) -> Answer:
    """Ask about *workers* that run *program*. An answer that cannot be read is one of the phase `import`."""
    given = {
        "kind": program.kind,
        "app": program.app,
        "directory": program.directory,
        "environment": dict(program.environment),
        "workers": [{"unit": one.unit, "node": one.node, "pool": one.pool} for one in workers],
    }
    # A process that is killed for lack of memory is to be this one, not a worker.
    argv = command(app, app.release(app.current()), LIMIT_SECONDS, ["OOMScoreAdjust=1000"])
    _code, out, _err = run(argv, inspect.getsource(reader) + CALL.format(repr(json.dumps(given))))
    return parse(out)


def parse(output: str) -> Answer:
    """The answer in the last line of *output*."""
    lines = output.strip().splitlines()
    try:
        given = json.loads(lines[-1]) if lines else {}
    except (ValueError, RecursionError):
        return Answer()
    if not isinstance(given, dict):
        return Answer()
    nodes = given.get("nodes")
    return Answer(
        phase=_text(given.get("phase")),
        error=_text(given.get("error")),
        broker=_text(given.get("broker")),
        nodes={unit: _text(node) for unit, node in nodes.items()} if isinstance(nodes, dict) else {},
        pids=_numbers(given.get("pids")),
        queues=_numbers(given.get("queues")),
    )


def _numbers(value: object) -> dict[str, list[int]]:
    """The numbers of each name, from a list of pairs."""
    found: dict[str, list[int]] = {}
    for pair in value if isinstance(value, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and _is_number(pair[1]):
            found.setdefault(pair[0], []).append(pair[1])
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
