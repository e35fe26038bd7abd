# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The apps of the host that use its server: stop them before the upgrade, try them on the new cluster, start them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._app import management
from ansible_collections.gatehouse.django.plugins.module_utils._app.health import Health
from ansible_collections.gatehouse.django.plugins.module_utils._app.installed import installed
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App, active_units
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._backup import databases
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.restore import Restore
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import THIS_HOST
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded

# Deployments, backups, and copies of data.
LOCKS = ("app", "backup", "scratch")


@dataclass(frozen=True)
class Using:
    """An app with a database on the host's server."""

    name: str
    is_running: bool
    # A setting without a port can be led to another one.
    has_port: bool


def using(tools: Tools) -> tuple[list[Using], list[str]]:
    """Return the apps with a database on the host's server, and what prevents an upgrade.

    Their settings are read by their release's Python. One that runs, but whose Python does not start any more, would be
    stopped and not come back.
    """
    found, problems = [], []
    for name in installed():
        app = App(name)
        if not app.current():
            continue
        is_running = bool(active_units(tools, app))
        try:
            known, _versions, _left_out = databases.read(app)
        except (BackupError, ReleaseError, OSError) as error:
            if is_running:
                problems.append(
                    f"app '{name}': its settings cannot be read, so it would not start again. Deploy it first. {error}"
                )
            continue
        here = [one for one in known if one.vendor == "postgresql" and _is_local(one.host)]
        if here:
            found.append(Using(name, is_running, has_port=any(one.port for one in here)))
    return found, problems


def _is_local(host: str) -> bool:
    return host in THIS_HOST or host.startswith("/")


@contextlib.contextmanager
def held(names: Sequence[str]) -> Iterator[None]:
    """Hold the locks of the apps: no deployment, backup or restore works meanwhile."""
    with contextlib.ExitStack() as stack:
        for name in names:
            for kind in LOCKS:
                stack.enter_context(locked(f"{kind}-{name}"))
        yield


def stop(tools: Tools, names: Sequence[str]) -> None:
    """Stop the apps: requests that are being answered are finished, visitors then get the page of nginx (502)."""
    for name in names:
        _restore(tools, name).stop()


def start(tools: Tools, names: Sequence[str]) -> None:
    """Start the apps."""
    for name in names:
        _restore(tools, name).start()


def answer(tools: Tools, names: Sequence[str]) -> list[str]:
    """Return a sentence for each app that does not answer its health check."""
    found = []
    for name in names:
        app = App(name)
        current = app.current()
        try:
            Health(Units(tools, app), current, app.record(current)["health"]).wait()
        except ReleaseError as error:
            found.append(f"app '{name}': {error}")
    return found


def unmigrated(names: Sequence[str], port: str = "") -> dict[str, str]:
    """Return the apps whose `migrate --check` fails, with what it printed. With a *port*, on the server there."""
    found = {}
    for name in names:
        environment = {"PGPORT": port} if port else {}
        code, out, err = management.run(run_bounded, App(name), ["migrate", "--check"], environment)
        if code:
            found[name] = tail(err or out, 5)
    return found


def _restore(tools: Tools, name: str) -> Restore:
    app = App(name)
    return Restore(tools, Units(tools, app), Place(app))
