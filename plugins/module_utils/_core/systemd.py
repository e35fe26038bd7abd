# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the state of a systemd unit and its last message in the journal, and quote words for systemd-run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact, secrets_of
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run

PROPERTIES = "LoadState,ActiveState,SubState,Result,NRestarts,MainPID"
# The last line of a traceback. gunicorn logs more lines after it.
EXCEPTION = re.compile(
    r"(?:\[\d{4}-.*?\] )?((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Configured|Exit|Warning)\b.*)"
)
# Every process can write UNIT= into the journal, but only systemd has this process id.
BY_SYSTEMD = "_PID=1"
MAX_LINE_LENGTH = 4000  # characters of a line


def show(run: Run, unit: str) -> dict[str, str]:
    """Read the properties of *unit* that the other functions use."""
    _rc, out, _err = run(["systemctl", "show", f"--property={PROPERTIES}", unit])
    return dict(line.partition("=")[::2] for line in out.splitlines() if "=" in line)


def show_all(run: Run, units: Sequence[str], properties: str = PROPERTIES) -> dict[str, dict[str, str]]:
    """Read the properties of each of *units* with one command; return them by the unit's name."""
    if not units:
        return {}
    _rc, out, _err = run(["systemctl", "show", f"--property=Id,{properties}", *units])
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in out.split("\n\n")]
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


def last_words(run: Run, unit: str, environment: Mapping[str, str]) -> str:
    """The last line of the unit's journal with the reason why it ended, without the secrets in *environment*."""
    lines = _journal(run, f"_SYSTEMD_UNIT={unit}")
    exceptions = [match[1] for line in lines if (match := EXCEPTION.match(line))]
    # systemd logs the reason for a program that could not be started.
    found = (
        exceptions[-1] if exceptions else next(iter(reversed(lines or _journal(run, f"UNIT={unit}", BY_SYSTEMD))), "")
    )
    return redact(found, secrets_of(environment))[:300]


def _journal(run: Run, *matches: str) -> list[str]:
    _rc, out, _err = run(["journalctl", "--no-pager", "--quiet", "--output=cat", "--lines=60", *matches])
    return [line.strip()[:MAX_LINE_LENGTH] for line in out.splitlines() if line.strip()]


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
