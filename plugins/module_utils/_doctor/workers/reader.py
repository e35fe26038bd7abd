# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that the app's own Python runs as the app: asks the broker, and Celery's workers through it.

It may use only the standard library and what the app has installed. An app whose code does not load gets no answer:
its worker does not run either, and its journal says why.
"""

from __future__ import annotations

import json
import os
import signal
from importlib import import_module
from types import FrameType
from typing import Any

# Seconds to import the project, and for the broker to take a connection.
IMPORT_SECONDS, BROKER_SECONDS = 20, 5
# A worker has this time to answer, in several attempts: a busy host is slow.
ATTEMPTS = (1.5, 2.5, 4.0)
WORKER_SECONDS = 15
SECONDS = IMPORT_SECONDS + BROKER_SECONDS + WORKER_SECONDS
# Pools whose tasks leave the process that listens free to answer. The others are silent while they work.
ANSWERING_POOLS = ("prefork", "processes", "threads")
MAX_REPLIES = 100


class Unanswered(Exception):
    """The time is over."""


def stop(_signal: int, _frame: FrameType | None) -> None:
    """Raise Unanswered when the time is over."""
    raise Unanswered


def begin(answer: dict[str, object], phase: str, seconds: int) -> None:
    """Begin a phase that has this time."""
    answer["phase"] = phase
    signal.alarm(seconds)


def ask_celery(given: dict[str, Any], answer: dict[str, Any]) -> None:
    """Connect to the broker as a worker does, then ask the workers for their process and their queues."""
    names = import_module("celery.utils.nodenames")
    app = import_module("celery.app.utils").find_app(given["app"] or os.environ["APP"])
    connection = app.connection_for_read()
    # kombu masks a password also where the URL has none.
    answer["broker"] = connection.as_uri().replace(":**@", "@").replace("://@", "://")
    begin(answer, "broker", BROKER_SECONDS)
    connection.ensure_connection(max_retries=max(1, len(connection.alt)), interval_start=0.2, interval_max=0.2)
    begin(answer, "workers", WORKER_SECONDS)
    # Celery's own condition for a worker that listens (celery/worker/consumer/control.py).
    if not app.conf.worker_enable_remote_control or not connection.supports_exchange_type("fanout"):
        return
    answer["nodes"] = {
        worker["unit"]: names.host_format(names.default_nodename(worker["node"]))
        for worker in given["workers"]
        if (worker["pool"] or app.conf.worker_pool) in ANSWERING_POOLS
    }
    nodes = sorted(set(answer["nodes"].values()))
    for seconds in ATTEMPTS:
        replies = broadcast(app, connection, "stats", nodes, seconds)
        answer["pids"] = [[node, found.get("pid")] for node, found in replies]
        answered = sorted({node for node, _found in replies})
        if answered == nodes:
            break
    replies = broadcast(app, connection, "active_queues", answered, ATTEMPTS[-1])
    answer["queues"] = [[node, len(found)] for node, found in replies]


def broadcast(app: Any, connection: Any, command: str, nodes: list[str], seconds: float) -> list[tuple[str, Any]]:
    """The replies of *nodes*, of which one may send several. Celery stops waiting after one for each node."""
    if not nodes:
        return []
    options = {"destination": nodes, "connection": connection, "timeout": seconds, "limit": len(nodes)}
    found = app.control.broadcast(command, reply=True, **options) or []
    return [pair for reply in found[:MAX_REPLIES] for pair in reply.items()]


KINDS = {"celery": ask_celery}


def main(given: dict[str, Any]) -> None:
    """Print the answer; the output of the project goes to standard error."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    signal.signal(signal.SIGALRM, stop)
    answer: dict[str, Any] = {}
    begin(answer, "import", IMPORT_SECONDS)
    os.environ.update(given["environment"])
    try:
        if given["directory"]:
            os.chdir(given["directory"])
        KINDS[given["kind"]](given, answer)
    except Unanswered:
        answer["error"] = "no answer in time"
    # The project's code may also call sys.exit().
    except BaseException as error:
        answer["error"] = f"{type(error).__name__}: {error}"
    signal.alarm(0)
    output.write(json.dumps(answer, default=str) + "\n")
    output.flush()
    # A thread that the project started must not keep the process running.
    os._exit(0)
