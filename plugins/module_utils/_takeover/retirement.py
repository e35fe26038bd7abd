# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left of a hand-made site after the switch: its units, and certbot's renewal of its certificate."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._acme import certbot
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.copying import STATE

# Old workers of nginx may still pass on an upload that began before the switch.
DRAIN_SECONDS = 30
DRAIN = """
while pgrep --full 'nginx: worker process is shutting down' >/dev/null; do sleep 0.2; done
"""
# Files of other programs that may name a certificate.
CONFIGURATION = "/etc"
KEPT = ".before-gatehouse"


@dataclass(frozen=True)
class Record:
    """What a takeover has replaced, for the steps after the switch and for the operator."""

    names: list[str]
    units: list[str]
    # nginx's files: where they were, and where they are now.
    files: Mapping[str, str]
    certificate: str
    drop_in: str
    copies: list[str] = field(default_factory=list)
    taken: str = ""


def path_of(app: str) -> Path:
    """Where the record of *app* is."""
    return STATE / f"{app}.json"


def read(app: str) -> Record | None:
    """The record of an earlier takeover of *app*, None without one."""
    text = files.read(path_of(app))
    return Record(**json.loads(text)) if text else None


def write(app: str, record: Record) -> None:
    """Write the record."""
    files.make_directory(STATE)
    files.replace(path_of(app), json.dumps(asdict(record), indent=2) + "\n", 0o644)


def lineage_of(certificate: str) -> Path | None:
    """certbot's file for the renewal of *certificate*, None for a certificate that certbot does not renew."""
    found = re.fullmatch(rf"{re.escape(str(certbot.CONFIG_DIR))}/live/([^/]+)/[^/]+", certificate)
    path = certbot.CONFIG_DIR / "renewal" / f"{found[1]}.conf" if found else None
    return path if path and path.exists() else None


def other_users(run: Run, lineage: str, replaced: Sequence[str]) -> list[str]:
    """The files below /etc, besides certbot's and those of the hand-made site, that use certbot's certificate."""
    words = ["grep", "-rslF", "--exclude-dir=letsencrypt", f"letsencrypt/live/{lineage}/", CONFIGURATION]
    _code, out, _err = run(words)
    ignored = {os.path.realpath(path) for path in replaced}
    return [path for path in out.splitlines() if os.path.realpath(path) not in ignored]


def due(run: Run, record: Record, sites: Sequence[str]) -> list[str]:
    """What is still to do, in words."""
    units = [unit for unit in record.units if _is_left(run, unit)]
    found = [f"stop {unit}" for unit in units]
    renewal = renewal_to_end(record, sites)
    return found + ([f"end certbot's renewal of {renewal.stem}"] if renewal else [])


def renewal_to_end(record: Record, sites: Sequence[str]) -> Path | None:
    """certbot's file for the old certificate, once all *sites* of Gatehouse have certificates of their own."""
    renewal = lineage_of(record.certificate)
    is_replaced = all((certbot.lineage(site) / "fullchain.pem").exists() for site in sites)
    return renewal if renewal and is_replaced else None


def finish(run: Run, record: Record, sites: Sequence[str]) -> list[str]:
    """Stop the old units, and end the renewal of the old certificate. Returns warnings."""
    if any(_is_left(run, unit) for unit in record.units):
        run(["timeout", str(DRAIN_SECONDS), "sh", "-c", DRAIN])
        run(["systemctl", "disable", *record.units])
        run(["systemctl", "stop", *record.units])
    drop_in = Path(record.drop_in)
    if drop_in.exists():
        files.remove(drop_in)
        run(["systemctl", "daemon-reload"])
    run(["systemctl", "reset-failed", *record.units])
    renewal = renewal_to_end(record, sites)
    if renewal is None:
        return []
    users = other_users(run, renewal.stem, [*record.files, *record.files.values()])
    if users:
        return [
            f"certbot still renews {renewal.stem}, because {', '.join(users[:3])} uses it. Let it use the directory of "
            f"the challenge that the site serves now: `certbot certonly --cert-name {renewal.stem} --webroot "
            f"--webroot-path {certbot.WEBROOT} {' '.join(f'-d {name}' for name in record.names)}`"
        ]
    os.rename(renewal, f"{renewal}{KEPT}")
    return []


def _is_left(run: Run, unit: str) -> bool:
    return run(["systemctl", "is-active", "--quiet", unit])[0] == 0
