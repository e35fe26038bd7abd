# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say in lines what was found, what would be done, and what was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.clusters import Server
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.look import State
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.rehearsal import NAME as REHEARSAL
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.transfer import Proof

MEGABYTE = 2**20
# The phases in which no app has a database.
DOWN = (
    *("stop", "upgrade", "start both clusters", "count rows", "update extensions", "rebuild indexes"),
    *("first statistics", "check apps", "switch", "start"),
)


def found(one: Server, state: State, target: str, others: list[Server]) -> Iterator[str]:
    """Yield what the cluster is."""
    yield (
        f"cluster {one.label} on port {one.port}: PostgreSQL {state['version']}, {state['size'] / MEGABYTE:.0f} MB in "
        f"{one.data}, data checksums {state['checksums']}"
    )
    for database in state["databases"]:
        extensions = [name for name in state["extensions"].get(database["name"], []) if name != "plpgsql"]
        more = f", extensions {', '.join(map(harmless, extensions))}" if extensions else ""
        locale = dict.fromkeys([database["collate"], database["ctype"]])
        yield f"  database {harmless(database['name'])}: {database['encoding']}, {'/'.join(locale)}{more}"
    for name in state["mismatches"]:
        yield (
            f"  database {harmless(name)}: its indexes on text may be in the wrong order, because they were made with "
            "another version of the C library or of ICU"
        )
    for other in others:
        if other.name == REHEARSAL:
            yield f"cluster {other.label} on port {other.port}: left by a rehearsal that was killed, and dropped"
        elif other.label == f"{target}/{one.name}":
            yield f"cluster {other.label} on port {other.port}: dropped if nothing but the package has made it"
        else:
            yield f"cluster {other.label} on port {other.port}: stays as it is"


def seconds_down(phases: Mapping[str, float]) -> float:
    """Return how long the apps have no database in these phases."""
    return sum(seconds for name, seconds in phases.items() if name in DOWN)


def phases(given: Mapping[str, float]) -> str:
    """Return the seconds of each phase."""
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in given.items())


def proven(proof: Proof) -> Iterator[str]:
    """Yield what the new cluster was found to have."""
    yield (
        f"proven: {proof.tables} tables with {proof.rows} rows, materialized views, sequences and large objects are as "
        "they were in the old cluster"
    )
    for text in proof.extensions:
        yield f"updated: {harmless(text)}"
    for database, names in proof.rebuilt.items():
        yield f"{harmless(database)}: {len(names)} indexes built anew, as their collation changed: " + _shortened(names)
    if not proof.rebuilt:
        yield "no index had to be built anew: no collation that they use has changed"
    for text in proof.notes:
        yield f"check this: {text}"


def _shortened(names: list[str]) -> str:
    shown = [harmless(name) for name in names[:20]]
    return ", ".join([*shown, *([f"and {len(names) - 20} more"] if len(names) > 20 else [])])
