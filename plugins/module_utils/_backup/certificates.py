# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep certbot's certificates of an app's sites and its account in the backup, and bring them onto a host without them.

Authorities limit how many certificates they issue, and issue none while the names lead to a host that is lost. All of
this belongs to root: no app can write it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    CERTBOT_DIRECTORY,
    LINEAGE_PREFIX,
    NGINX_DIRECTORY,
)

# Of a lineage: `live/<name>/<kind>.pem` is a link to `archive/<name>/<kind><number>.pem`.
KINDS = ("cert", "chain", "fullchain", "privkey")
NUMBERED = re.compile(r"\D+(\d+)\.pem")
ACCOUNT = re.compile(r"^(account\s*=\s*)(\S+)", re.MULTILINE)
# certbot sets the four links of a renewed certificate one after the other.
ATTEMPTS, WAIT_SECONDS = 5, 0.5


@dataclass
class Restored:
    """The names of the certificates that were brought onto the host, and of those that it had."""

    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    # The servers of the authorities whose account was brought.
    accounts: list[str] = field(default_factory=list)


def of_app(app: App, certbot: str = CERTBOT_DIRECTORY, nginx: str = NGINX_DIRECTORY) -> list[str]:
    """The names of the complete certificates of the sites that pass requests to *app*."""
    socket = f"unix:{app.link}/web.sock"
    found = []
    for configuration in sorted(Path(certbot, "renewal").glob(f"{LINEAGE_PREFIX}*.conf")):
        site = configuration.stem.removeprefix(LINEAGE_PREFIX)
        text = files.read(Path(nginx, "gatehouse", "live", "sites", f"{site}.conf")) or ""
        if socket in text and is_complete(configuration.stem, certbot):
            found.append(configuration.stem)
    return found


def is_complete(name: str, certbot: str = CERTBOT_DIRECTORY) -> bool:
    """Whether certbot has the whole lineage *name*: a certbot that was killed leaves a part."""
    configuration = Path(certbot, "renewal", f"{name}.conf")
    live = [Path(certbot, "live", name, f"{kind}.pem") for kind in KINDS]
    return bool(files.read(configuration)) and all(path.exists() for path in live)


def collect(
    app: App, target: Path, certbot: str = CERTBOT_DIRECTORY, nginx: str = NGINX_DIRECTORY
) -> tuple[list[str], list[str]]:
    """Copy the certificates of *app*, and certbot's accounts, to the directory *target*.

    Returns their names, and a sentence for each that cannot be copied. Without certificates nothing is made. One that
    is renewed meanwhile is copied as it is afterwards.
    """
    names, problems = [], []
    for name in of_app(app, certbot, nginx):
        newest = _newest(Path(certbot, "live", name))
        if not newest:
            problems.append(
                f"The certificate {name} is not in the backup: the files in {certbot}/live/{name} are not of one "
                f"certificate. Renew it: certbot renew --force-renewal --cert-name {name}"
            )
            continue
        names.append(name)
        live, archive = target / "live" / name, target / "archive" / name
        for directory in (live, archive, target / "renewal"):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for kind, file in newest.items():
            shutil.copy2(Path(certbot, "archive", name, file), archive / file)
            (live / f"{kind}.pem").symlink_to(f"../../archive/{name}/{file}")
        shutil.copy2(Path(certbot, "renewal", f"{name}.conf"), target / "renewal")
    if names and os.path.isdir(os.path.join(certbot, "accounts")):
        shutil.copytree(os.path.join(certbot, "accounts"), target / "accounts", symlinks=True)
    return names, problems


def _newest(live: Path) -> dict[str, str]:
    """The file of each kind to which the directory *live* links; empty if they do not belong together."""
    for _attempt in range(ATTEMPTS):
        with contextlib.suppress(OSError):
            found = {kind: os.path.basename(os.readlink(live / f"{kind}.pem")) for kind in KINDS}
            if len({NUMBERED.sub(r"\1", file) for file in found.values()}) == 1:
                return found
        time.sleep(WAIT_SECONDS)
    return {}


def restore(source: Path, certbot: str = CERTBOT_DIRECTORY) -> Restored:
    """Bring what `collect` stored in *source* onto the host. What the host has is never replaced.

    If this is killed, the next call does the rest: a certificate counts only when its last file is there.
    """
    restored = Restored()
    top = Path(certbot)
    if not source.is_dir():
        return restored
    top.mkdir(mode=0o755, parents=True, exist_ok=True)
    instead = _restore_accounts(source / "accounts", top / "accounts", restored)
    for configuration in sorted((source / "renewal").glob(f"{LINEAGE_PREFIX}*.conf")):
        name = configuration.stem
        if is_complete(name, certbot):
            restored.kept.append(name)
            continue
        for part in ("archive", "live"):
            (top / part).mkdir(mode=0o700, exist_ok=True)
            shutil.rmtree(top / part / name, ignore_errors=True)
            shutil.copytree(source / part / name, top / part / name, symlinks=True)
        os.sync()
        text = ACCOUNT.sub(lambda found: found[1] + instead.get(found[2], found[2]), files.read(configuration) or "")
        files.make_directory(top / "renewal", 0o700)
        files.replace(top / "renewal" / configuration.name, text, 0o600)
        restored.made.append(name)
    return restored


def _restore_accounts(source: Path, target: Path, restored: Restored) -> dict[str, str]:
    """Bring the account of each server that has none on the host; return the host's by those that it replaces.

    With two accounts for one server, certbot asks which one to use, and without a terminal it fails.
    """
    instead: dict[str, str] = {}
    for server, accounts in _accounts(source).items():
        if own := _accounts(target).get(server):
            instead |= {account: own[0] for account in accounts if account not in own}
            continue
        for account in accounts:
            place = target / server
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            # One that a killed run has left has no regr.json, the last one by which accounts are found.
            shutil.rmtree(place / account, ignore_errors=True)
            shutil.copytree(source / server / account, place / account, ignore=lambda *_: ["regr.json"])
            shutil.copy2(source / server / account / "regr.json", place / account)
        restored.accounts.append(server)
    return instead


def _accounts(top: Path) -> dict[str, list[str]]:
    """The accounts below *top* by the path of their server. Links lead to the accounts of an authority's old server."""
    found: dict[str, list[str]] = {}
    for file in sorted(top.glob("**/regr.json")):
        found.setdefault(str(file.parent.parent.relative_to(top)), []).append(file.parent.name)
    return found
