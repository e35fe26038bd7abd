# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the releases of several hosts.

An identifier is the revision of the source, a dash, and a digest of the configuration and of the Python. So hosts with
different versions of Python have the same source and configuration with different identifiers. The configuration alone
is recorded in the release; it is empty for releases of earlier versions of the collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# With the keys `release`, its identifier, and `configuration`.
Release = Mapping[str, object]
ANY = "any"
# Between the identifiers of the releases that balancers expect. Their hosts can differ in the Python.
OR = "+"
# Bytes, of the name of a directory (NAME_MAX in limits.h).
NAME_LENGTH = 255


def source_of(release: Release) -> str:
    """Return the part of the identifier that names the source."""
    return str(release["release"]).partition("-")[0]


def differ(releases: Sequence[Release]) -> bool:
    """Return whether *releases* are of different sources or, as far as it is known, of different configurations."""
    configurations = {one["configuration"] for one in releases if one.get("configuration")}
    return len({source_of(one) for one in releases}) > 1 or len(configurations) > 1


def depend_on_host(served: Sequence[Release], wanted: Sequence[Release]) -> bool:
    """Return whether each host has a configuration of its own: no two have one in common, before and after the run.

    *served* and *wanted* have one release for each host. A host that has missed a deployment has one in common with
    the others: it serves what they would return to.
    """
    pairs = zip(served, wanted, strict=True)
    found = [{one["configuration"] for one in pair if one.get("configuration")} for pair in pairs]
    return len(found) > 1 and all(found) and len(set.union(*found)) == sum(map(len, found))


def outside(results: Iterable[Mapping[str, Any]], app: str) -> dict[str, Release]:
    """Return by host the release of *app* that hosts outside of the run serve, from what django_status has found there.

    A host that cannot be reached serves no visitor, and is left out.
    """
    return {
        str(one["item"]): served
        for one in results
        for served in one.get("apps") or []
        if served["name"] == app and served["release"]
    }


def others(results: Iterable[Mapping[str, object]], app: str, wanted: Sequence[Release]) -> list[str]:
    """Return the hosts outside of the run that serve another release than the *wanted* ones of the hosts in it.

    If the configurations of these differ, it depends on the host, and only the sources are compared.
    """
    found = outside(results, app) if wanted else {}
    return [f"{host} ({one['release']})" for host, one in found.items() if not _is_alike(one, wanted)]


def _is_alike(one: Release, wanted: Sequence[Release]) -> bool:
    """Return whether a host with *one* serves what those with the *wanted* releases do."""
    return source_of(one) == source_of(wanted[0]) if differ(wanted) else not differ([*wanted, one])


def expected(served: Sequence[Release | str], results: Iterable[Mapping[str, object]], app: str) -> str:
    """Return the releases that balancers are to expect, with `OR` between them.

    It is ``any`` for several sources, or if a directory cannot have the name. *served* are those of the hosts in the
    run, also as identifiers. A host outside of it counts if its release differs in nothing but the Python, or in the
    configuration where it depends on the host. Otherwise it came back with an old one, and is to get no visitors.
    """
    given = [{"release": one} if isinstance(one, str) else one for one in served]
    wanted = [one for one in given if one.get("release")]
    if len({source_of(one) for one in wanted}) != 1:
        return ANY
    same = [one for one in outside(results, app).values() if _is_alike(one, wanted)]
    name = OR.join(sorted({str(one["release"]) for one in (*wanted, *same)}))
    return name if len(name) <= NAME_LENGTH else ANY
