# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The databases, caches and brokers of a host that has them for apps on other hosts: whether they run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    POSTGRESQL_CONFIGURATION,
    VALKEY_DIRECTORY,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding

RUNNING = ("active", "reloading", "activating")


def check_services(
    run: Run, site: str, clusters: str = POSTGRESQL_CONFIGURATION, instances: str = VALKEY_DIRECTORY
) -> list[Finding]:
    """Return a finding for each service of Gatehouse that a boot starts and that does not run."""
    units = [*_of_postgresql(Path(clusters)), *_of_valkey(Path(instances))]
    states = systemd.show_all(run, units)
    found = []
    for unit in units:
        state = states.get(unit, {})
        if state.get("ActiveState") in RUNNING and not systemd.is_failing(state):
            continue
        cause = f"{unit}, which apps on other hosts use, does not run: it is {systemd.state(state)}"
        remedy = f"`systemctl start {unit}`"
        if systemd.is_failing(state):
            words = systemd.last_words(run, unit, {})
            cause = f"{cause}. Its journal says: {words}" if words else cause
            remedy = f"Read `journalctl -n 50 -u {unit}`, correct what it names, then `systemctl restart {unit}`."
        found.append(Finding(site, f"{cause}.", remedy))
    return found


def _of_postgresql(directory: Path) -> Iterator[str]:
    """The units of the clusters. An upgrade keeps the one before, which no boot starts (pg_createcluster(1))."""
    for path in sorted(directory.glob("*/*/conf.d/gatehouse.conf")):
        cluster = path.parents[1]
        start = cluster / "start.conf"
        lines = start.read_text(encoding="utf-8", errors="replace").splitlines() if start.exists() else ["auto"]
        if "auto" in map(str.strip, lines):
            yield f"postgresql@{cluster.parent.name}-{cluster.name}.service"


def _of_valkey(directory: Path) -> Iterator[str]:
    for path in sorted(directory.glob("*.conf")):
        if engine := valkey.engine_of(path.stem):
            yield engine.unit(path.stem)
