# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the state of a systemd unit and its last message in the journal, and run commands in transient units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._core import journal, tracebacks, untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact, secrets_of
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run

PROPERTIES = "LoadState,ActiveState,SubState,Result,NRestarts,MainPID,UnitFileState"
# The last line of a traceback. gunicorn logs more lines after it.
EXCEPTION = re.compile(
    r"(?:\[\d{4}-.*?\] )?((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Configured|Exit|Warning)\b.*)"
)
MAX_LINE_LENGTH = 4000  # characters of a line
MAX_LINES = 300  # of a journal: a traceback through several middlewares has more than 60
MAX_WORDS = 400  # characters


def show(run: Run, unit: str) -> dict[str, str]:
    """Read the properties of *unit* that the other functions use."""
    return parse_properties(run(show_command(unit))[1])


def show_command(*units: str, names: str = PROPERTIES) -> list[str]:
    """The command that prints the properties *names* of *units*."""
    return ["systemctl", "show", f"--property={names}", *units]


def value_command(unit: str, name: str) -> list[str]:
    """The command that prints the value of one property of *unit*."""
    return ["systemctl", "show", f"--property={name}", "--value", unit]


def parse_properties(output: str) -> dict[str, str]:
    """The properties of one unit in the *output* of `show_command`."""
    return dict(line.partition("=")[::2] for line in output.splitlines() if "=" in line)


def show_all(run: Run, units: Sequence[str], names: str = PROPERTIES) -> dict[str, dict[str, str]]:
    """Read the properties of each of *units* with one command; return them by the unit's name."""
    if not units:
        return {}
    _rc, out, _err = run(show_command(*units, names=f"Id,{names}"))
    blocks = [parse_properties(block) for block in out.split("\n\n")]
    return {block["Id"]: block for block in blocks if block.get("Id")}


def state(found: Mapping[str, str]) -> str:
    """Describe the state in systemd's terms."""
    active, sub, result = (found.get(key, "") for key in ("ActiveState", "SubState", "Result"))
    return f"{active} ({sub})" + (f", result {result}" if result not in ("", "success") else "")


def is_failing(found: Mapping[str, str]) -> bool:
    """Whether the unit has failed or restarts in a loop; a first start that is still running does not count."""
    if found.get("ActiveState") == "failed" or found.get("SubState") == "auto-restart":
        return True
    return found.get("ActiveState") == "activating" and found.get("NRestarts", "0") not in ("", "0")


def last_words(run: journal.Run, unit: str, environment: Mapping[str, str], since: float = 0.0) -> str:
    """The line of the unit's journal with the reason of its last failure, without the secrets in *environment*.

    It has no control characters. An exception of a traceback comes with its file and line. *since* is a time in seconds
    since the epoch: lines before it count only if there are none after it.
    """
    matches = [f"_SYSTEMD_UNIT={unit}"]
    lines = (since and _journal(run, f"--since=@{since:.0f}", *matches)) or _journal(run, *matches)
    exceptions = [match[1] for line in lines if (match := EXCEPTION.match(line))]
    # systemd logs the reason for a program that could not be started.
    last = (lines or _journal(run, f"UNIT={unit}", journal.BY_SYSTEMD) or [""])[-1].strip()
    found = tracebacks.last_exception(lines) or (exceptions[-1] if exceptions else last)
    # journalctl prints control characters of other programs as they are.
    return untrusted.harmless(redact(found, secrets_of(environment)))[:MAX_WORDS]


def _journal(run: journal.Run, *matches: str) -> list[str]:
    text = journal.read(run, ["--output=cat", f"--lines={MAX_LINES}", *matches])
    return [line[:MAX_LINE_LENGTH] for line in tracebacks.lines_of(text) if line.strip()]


def systemd_run(properties: Iterable[str], unit: str = "") -> list[str]:
    """What comes before a command to run it in a transient unit with *properties* (systemd-run(1)).

    systemd-run passes on the input, output and exit code of the command, and ends with it. It expands `$` in its words.
    """
    name = [f"--unit={unit}"] if unit else []
    options = ["--quiet", "--wait", "--pipe", "--collect", *name, *(f"--property={one}" for one in properties)]
    return ["systemd-run", *options, "--"]


def systemd_start(unit: str, properties: Iterable[str] = (), options: Iterable[str] = ()) -> list[str]:
    """What comes before a command to start it as the transient *unit* in the background, with more *options*.

    systemd forgets the unit when it has ended, also when it has failed.
    """
    return [
        *("systemd-run", "--quiet", "--collect", f"--unit={unit}", *options),
        *(f"--property={one}" for one in properties),
        "--",
    ]


def environment(path: str) -> dict[str, str]:
    """Read the variables of a release's environment file, as django_release writes it."""
    try:
        text = untrusted.read(path)
    except OSError:
        return {}
    found = re.findall(r'^(\w+)="((?:[^"\\]|\\.)*)"$', text, re.MULTILINE | re.DOTALL)
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in found}


def escape_dollars(word: str) -> str:
    """Escape *word* for systemd-run, which expands `$` (systemd.service(5), "Command lines")."""
    return word.replace("$", "$$")
