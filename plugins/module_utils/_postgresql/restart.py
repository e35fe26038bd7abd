# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restart a cluster while the apps of its host wait, so that none of their visitors gets an error.

Their web processes finish the requests that they have, and stop. Other requests wait in the sockets. Freezing the web
processes would not do: a request that is frozen between two queries fails afterwards. systemd freezes the apps' other
processes (systemctl(1), freeze). All of this is one unit, so that systemd also wakes the apps if it fails or is killed.
The web processes start after it has ended, since it is ordered before their units (systemd.unit(5), Before=).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import escape_dollars, systemd_run
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import (
    Cluster,
    PostgresqlError,
    RunCommand,
    execute,
    psql,
)
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.databases import MARK

# The clients: their roles, whether Gatehouse made each for an app of this host, and the age of their transactions.
SESSIONS = f"""
SELECT coalesce(json_agg(json_build_object(
  'role', usename, 'address', coalesce(host(client_addr), ''),
  'is_app', coalesce(shobj_description(usesysid, 'pg_authid') = '{MARK}', false),
  'seconds', coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0))), '[]')
FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
BUSY = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND state <> 'idle'"
# A longer one is a migration, a backup or a report, which a restart would end.
LONGEST_TRANSACTION_SECONDS = 5
LIMIT_SECONDS = 120
LOCAL = ("", "127.0.0.1", "::1")
UP = ("active", "activating", "deactivating", "reloading")
UNIT = "gatehouse-postgresql-restart.service"
# Its arguments: the cluster's unit, the seconds that its stop and its start may each take, the number of words that ask
# whether a query runs (one more than none: the session that asks), the number of units of web processes, these words,
# these units, and the slices of the apps.
PROGRAM = """
unit=$1 limit=$2 asking=$3 serving=$4; shift 4
ask=("${@:1:asking}") webs=("${@:asking+1:serving}") slices=("${@:asking+serving+1}")
[ ${#webs[@]} -eq 0 ] || systemctl --quiet stop "${webs[@]}" || exit 1
if [ ${#slices[@]} -gt 0 ]; then
    for _try in $(seq 20); do
        systemctl freeze "${slices[@]}" || exit 1
        [ "$("${ask[@]}")" -le 1 ] && break
        systemctl thaw "${slices[@]}"; sleep 0.1
    done
    systemctl freeze "${slices[@]}" || exit 1
fi
timeout "$limit" systemctl stop "$unit" && systemctl start --no-block "$unit" || exit 1
timeout "$limit" sh -c 'until pg_isready --quiet; do sleep 0.05; done'
"""
# Its arguments: the units of web processes, without their suffix. One whose socket is gone has been replaced meanwhile.
START = (
    """for one; do systemctl --quiet is-active "$one.socket" && systemctl start --no-block "$one.service"; done; true"""
)


class Session(TypedDict):
    """A client of the server."""

    role: str
    address: str  # empty on the unix socket
    is_app: bool  # of this host, made by Gatehouse
    seconds: float  # since its transaction began


def refusal(cluster: Cluster, sessions: Sequence[Session]) -> str:
    """Return why the cluster must not be restarted now, as the end of a sentence; empty if it may be."""
    if not Path(cluster.settings_file).exists():
        return "Gatehouse did not install this server, and does not restart it"
    for one in sessions:
        if not one["is_app"] or one["address"] not in LOCAL:
            where = f" from {one['address']}" if one["address"] else ""
            return f"a client{where} is connected as '{one['role']}', which is no app of this host"
        if one["seconds"] > LONGEST_TRANSACTION_SECONDS:
            return f"a transaction of '{one['role']}' has been open for {one['seconds']:.0f} s"
    return ""


def forecast(cluster: Cluster, sessions: Sequence[Session]) -> str:
    """Return what a run would say of the restart."""
    if refused := refusal(cluster, sessions):
        return f"The play would fail here: {_explain(cluster, refused)}"
    waiting = f" The apps that use it would wait meanwhile: {', '.join(_apps(sessions))}." if sessions else ""
    return f"{cluster.unit} would be restarted, so that it listens for other hosts.{waiting}"


def restart(run: RunCommand, cluster: Cluster, sessions: Sequence[Session]) -> str:
    """Restart the cluster while the apps that are connected wait; return what was done."""
    if refused := refusal(cluster, sessions):
        raise PostgresqlError(f"{_explain(cluster, refused)} The database and its settings are made.")
    names = _apps(sessions)
    seconds = _restart(run, cluster, names)
    said = f"{cluster.unit} was restarted, so that it listens for other hosts."
    if not names:
        return f"{said} No client was connected."
    return f"{said} The apps that use it waited for {seconds:.1f} s: {', '.join(names)}."


def _explain(cluster: Cluster, refused: str) -> str:
    return (
        f"PostgreSQL must be restarted once, because it listens on its own host only, and {refused}. When it suits, "
        f"run systemctl restart {cluster.unit} there; apps connect again by themselves. Then run this again."
    )


def _apps(sessions: Sequence[Session]) -> list[str]:
    """Return the apps that are connected: each has the name of its role."""
    return sorted({str(one["role"]) for one in sessions})


def _restart(run: RunCommand, cluster: Cluster, names: Sequence[str]) -> float:
    """Return the seconds for which the apps *names* waited."""
    # What is written before need not be written while they wait.
    execute(run, "CHECKPOINT")
    slices = ["gatehouse-{}.slice".format(name.replace("-", r"\x2d")) for name in names]
    webs = _web_units(run, names) if names else []
    ask = [*psql(), f"--command={BUSY}"]
    # systemd takes one level of backslashes out of this line.
    thaw = " ".join(name.replace("\\", "\\\\") for name in slices)
    # Requests may take as long as TimeoutStopSec= of the web processes lets them.
    properties = ["Type=oneshot", "TimeoutStartSec=infinity"]
    properties += [f"ExecStopPost=-systemctl thaw {thaw}"] if slices else []
    if webs:
        names_of_webs = " ".join(name.removesuffix(".service") for name in webs)
        start = escape_dollars(START)
        properties += [f"Before={' '.join(webs)}", f"ExecStopPost=-bash -c '{start}' bash {names_of_webs}"]
    numbers = [str(LIMIT_SECONDS), str(len(ask)), str(len(webs))]
    words = ["bash", "-c", escape_dollars(PROGRAM), "bash", cluster.unit, *numbers]
    started = time.monotonic()
    code, out, err = run([*systemd_run(properties, UNIT), *words, *ask, *webs, *slices])
    seconds = time.monotonic() - started
    # The unit may have ended between the two, and systemd takes the cluster for started a little later.
    again, more, last = run(["systemctl", "start", cluster.unit])
    if code or again:
        reason = " ".join((err or out or last or more).split())[-500:]
        raise PostgresqlError(f"systemctl restart {cluster.unit} failed: {reason}")
    return seconds


def _web_units(run: RunCommand, names: Sequence[str]) -> list[str]:
    """Return the units of the web processes: one for each release of an app that still has requests.

    One that has been replaced is stopping for as long as its requests take. It is not started again.
    """
    patterns = [f"{name}-web@*.service" for name in names]
    command = ["systemctl", "list-units", "--plain", "--no-legend", "--full", f"--state={','.join(UP)}", *patterns]
    code, out, err = run(command)
    if code:
        raise PostgresqlError(f"systemctl list-units failed: {' '.join((err or out).split())[-500:]}")
    return [line.split()[0] for line in out.splitlines()]
