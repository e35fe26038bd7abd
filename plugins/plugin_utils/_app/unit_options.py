# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate the processes, timers, sandbox and limits of an app."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import RUN_ON
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import has_password
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown

# No '-': 'shop-two-mail' would be a process of the app 'shop' as well as of the app 'shop-two'.
NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
# The unit of the web processes, and the one in which a release is prepared.
RESERVED = ("web", "prepare")
KEYS = {
    "processes": ("name", "command", "stop_timeout", "run_on"),
    "timers": ("name", "command", "on_calendar", "timeout", "run_on"),
}
# The least that an app starts with, and the most that the kernel takes (fs.nr_open and kernel.pid_max on 64 bits).
NUMBERS = {"cpu": (1, 10_000), "tasks": (64, 4_194_304), "open_files": (256, 1_048_576)}
MEANINGS = {
    "cpu": "It is a weight: an app with 200 gets twice the CPU time of an app with 100 when both need all of it.",
    "tasks": "It is the number of processes and threads that the whole app may have.",
    "open_files": "It is the number of files and connections that each process may have open.",
}
MEMORY = re.compile(r"([1-9][0-9]?|100)%|[1-9][0-9]{0,5}[MGT]")
CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]")
# What only a shell understands would be one more argument here.
SHELL_OPERATORS = {"|", "||", "&", "&&", "<", ">", ">>", "2>", "2>&1"}


def of_units(options: Mapping[str, object], sandbox: Sequence[str]) -> Iterator[str]:
    """Check processes, timers, sandbox and limits."""
    names: list[str] = []
    for option, keys in KEYS.items():
        given = options.get(option) or []
        if not isinstance(given, list):
            yield f"{option}: must be a list of dictionaries with the keys {', '.join(keys)}."
            continue
        for entry in given:
            if not isinstance(entry, Mapping):
                yield f"{option}: '{entry}' must be a dictionary with the keys {', '.join(keys)}."
                continue
            where = f"{option}[{entry.get('name', '')}]"
            names.append(str(entry.get("name", "")))
            yield from (f"{where}: {unknown(key, keys)}" for key in entry if key not in keys)
            yield from (f"{where}: {problem}" for problem in of_unit(entry))
            yield from (f"{where}: {problem}" for problem in of_run_on(entry, options.get("hosts")))
            if option == "timers":
                yield from (f"{where}: {problem}" for problem in of_calendar(entry.get("on_calendar")))
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"processes and timers: the name '{name}' is used twice, but each needs a unit of its own. Rename one."
    yield from of_sandbox(options.get("sandbox") or {}, sandbox)
    yield from of_limits(options.get("limits") or {})


def of_unit(entry: Mapping[str, object]) -> Iterator[str]:
    """Check one process or timer."""
    name = entry.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        yield f"name '{name}' must be a lower-case letter, then up to 29 lower-case letters, digits or '_'."
    elif name in RESERVED:
        yield f"name '{name}' is reserved: choose one other than {', '.join(RESERVED)}."
    yield from of_command(entry.get("command"))
    for key in ("stop_timeout", "timeout"):
        seconds = entry.get(key, 1)
        if isinstance(seconds, bool) or not re.fullmatch(r"[1-9][0-9]{0,6}", str(seconds)):
            yield f"{key} '{seconds}' must be a whole number of seconds, 1 or more."


def of_run_on(entry: Mapping[str, Any], hosts: Any) -> Iterator[str]:
    """Check on which of the *hosts* of the app it runs."""
    value = entry.get("run_on", "all")
    if value not in RUN_ON["choices"]:
        yield f"run_on '{value}' must be {' or '.join(RUN_ON['choices'])}."
    elif value == "one" and not hosts:
        yield "run_on: 'one' needs the option hosts, because without it each host has the app for itself. Set hosts."


def of_command(command: object, example: str = "celery -A shop worker", *, is_one_line: bool = True) -> Iterator[str]:
    """Check a command that no shell runs. That of a unit must have one line."""
    example = f"Write it like '{example}'."
    if not isinstance(command, str) or not command.strip():
        yield f"command '{'' if command is None else command}' must be a string: a program and its arguments. {example}"
        return
    if has_password(command):
        yield (
            "command contains an address with a password or a token, and every user of the host can see commands. Put "
            "it into secrets, or for build into build_environment, and write sh -c '...' with \"$NAME\"."
        )
        return
    if CONTROL.search(command if is_one_line else command.replace("\n", " ").replace("\t", " ")):
        yield f"command '{command}' contains a line break or a control character. Write it in one line (in YAML '>-')."
        return
    try:
        words = shlex.split(command)
    except ValueError as error:
        yield f"command '{command}' cannot be split into words: {error}. Close the quotes, as in a shell."
        return
    if not words[0] or "=" in words[0] or words[0].startswith("-"):
        yield f"command '{command}' must begin with a program. Variables belong in environment or secrets. {example}"
    for word in words:
        if word in SHELL_OPERATORS:
            yield f"command '{command}' is not run by a shell, so '{word}' would be an argument. Use sh -c '...'."
            return


def of_calendar(calendar: object) -> Iterator[str]:
    """Check a calendar expression as far as possible without the host's systemd."""
    if not isinstance(calendar, str) or not calendar.strip() or CONTROL.search(calendar) or calendar[0] == "-":
        yield (
            f"on_calendar '{'' if calendar is None else calendar}' must be a calendar expression of systemd, "
            "like 'daily' or 'Mon..Fri 06:30'."
        )


def of_sandbox(given: object, known: Sequence[str]) -> Iterator[str]:
    """Check replaced directives: only those of the sandbox are allowed."""
    if not isinstance(given, Mapping):
        yield "sandbox: must be a dictionary of systemd directives, like 'MemoryDenyWriteExecute: false'."
        return
    for directive, value in given.items():
        if directive not in known:
            yield f"sandbox: {unknown(directive, known, 'directive')}"
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, (str, int)):
                yield f"sandbox: {directive} must be a string, a number, a boolean or a list of them, not '{one}'."
            elif directive == "UMask" and not isinstance(one, str):
                yield "sandbox: UMask must be quoted, like '0027': YAML reads it as another number."
            elif CONTROL.search(str(one)) or str(one).endswith("\\"):
                yield f"sandbox: {directive} must be one line, without a backslash at its end. Use a list for several."


def of_limits(given: object) -> Iterator[str]:
    """Check the limits of the app."""
    keys = ["memory", *NUMBERS]
    if not isinstance(given, Mapping):
        yield f"limits: must be a dictionary with some of the keys {', '.join(keys)}, not '{given}'."
        return
    for key, value in given.items():
        if key not in keys:
            yield f"limits: {unknown(key, keys)}"
        elif key == "memory" and not MEMORY.fullmatch(str(value)):
            yield f"limits: memory '{value}' must be a percentage of the host's memory, like '75%', or like 2G."
        elif key == "memory" and re.fullmatch(r"[0-9]{1,2}M", str(value)):
            yield f"limits: memory '{value}' is less than 100M, too little for gunicorn and Django. Use 100M or more."
        elif key != "memory" and not is_within(value, *NUMBERS[key]):
            low, high = NUMBERS[key]
            yield f"limits: {key} '{value}' must be a whole number from {low} to {high}. {MEANINGS[key]}"


def is_within(value: Any, low: int, high: int) -> bool:
    """Return whether *value* is a whole number from *low* to *high*, also as text: templates return text."""
    return not isinstance(value, bool) and bool(re.fullmatch(r"[0-9]{1,9}", str(value))) and low <= int(value) <= high
