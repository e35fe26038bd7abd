# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognizes programs that take work from a broker by the command of their unit, as role django_app writes it.

A command that is not fully understood is no worker: the program would be asked about another broker than its own.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Options of `celery` before its command, with a value; their variables (celery/bin/celery.py).
CELERY_VALUES = {
    **dict.fromkeys(("-A", "--app"), "app"),
    **dict.fromkeys(("-b", "--broker"), "CELERY_BROKER_URL"),
    "--config": "CELERY_CONFIG_MODULE",
    "--loader": "CELERY_LOADER",
    "--result-backend": "CELERY_RESULT_BACKEND",
    "--workdir": "directory",
}
CELERY_FLAGS = ("-C", "--no-color", "-q", "--quiet", "--skip-checks")
WORKER_VALUES = {**dict.fromkeys(("-n", "--hostname"), "node"), **dict.fromkeys(("-P", "--pool"), "pool")}
DETACHED = ("-D", "--detach")
EXEC_START = re.compile(r'^ExecStart=/usr/bin/env "PATH=[^"]*" (.+)$', re.MULTILINE)
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")


@dataclass(frozen=True)
class Program:
    """What a worker is, and what names its broker: workers with the same values are asked together."""

    kind: str
    app: str = ""
    directory: str = ""
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Worker:
    """A worker: its unit, and for Celery its name and pool where the command gives them."""

    unit: str
    program: Program
    node: str = ""
    pool: str = ""


def words_of(text: str) -> list[str]:
    """The words of the command in the text of a unit, as the inventory has them."""
    found = EXEC_START.search(text)
    try:
        words = shlex.split(found[1]) if found else []
    except ValueError:
        return []
    # systemd.service(5), "Command lines".
    return [word.replace("%%", "%").replace("$$", "$") for word in words]


def recognize(unit: str, words: Sequence[str]) -> Worker | None:
    """The worker that *words* start, None for another program."""
    environment, rest = _without_env(words)
    if PYTHON.fullmatch(os.path.basename(rest[0])) if rest else False:
        rest = rest[2:] if rest[1:3] == ["-m", "celery"] else []
    if not rest or os.path.basename(rest[0]) != "celery":
        return None
    given, rest = _options(rest[1:], CELERY_VALUES, CELERY_FLAGS)
    if rest[:1] != ["worker"] or any(word in DETACHED for word in rest):
        return None
    own: dict[str, str] = {}
    while rest:
        found, rest = _options(rest[1:], WORKER_VALUES, ())
        own |= found
    environment |= {name: value for name, value in given.items() if name.isupper()}
    program = Program("celery", given.get("app", ""), given.get("directory", ""), tuple(sorted(environment.items())))
    return Worker(unit, program, own.get("node", ""), own.get("pool", ""))


def _without_env(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The variables that env(1) sets for a command, and the command; its options are not understood."""
    rest, environment = list(words), {}
    if rest and os.path.basename(rest[0]) == "env":
        rest = rest[1:]
        while rest and ASSIGNMENT.match(rest[0]):
            name, _equals, value = rest.pop(0).partition("=")
            environment[name] = value
    return environment, rest


def _options(words: list[str], names: Mapping[str, str], flags: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The values of the options at the front of *words* (-A x, -Ax, --app x, --app=x), and the words after them."""
    found: dict[str, str] = {}
    while words:
        option = words[0].partition("=")[0] if words[0].startswith("--") else words[0][:2]
        if option in names:
            joined = words[0][len(option) :]
            found[names[option]] = joined.removeprefix("=") if joined else "".join(words[1:2])
            words = words[1 if joined else 2 :]
        elif words[0] in flags:
            words = words[1:]
        else:
            break
    return found, words
