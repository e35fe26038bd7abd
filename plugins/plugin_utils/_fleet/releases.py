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
    found = outside(results, app)
    if not wanted:
        return []
    if differ(wanted):
        return [f"{host} ({one['release']})" for host, one in found.items() if source_of(one) != source_of(wanted[0])]
    return [f"{host} ({one['release']})" for host, one in found.items() if differ([*wanted, one])]


def expected(served: Sequence[Release], results: Iterable[Mapping[str, object]], app: str) -> str:
    """Return the release that balancers are to expect: that of all hosts, ``any`` if there are several.

    *served* are those of the hosts in the run. A host outside of it counts if its release differs in nothing but the
    Python. Otherwise it came back with an old one, and is to get no visitors.
    """
    served = [one for one in served if one.get("release")]
    same = [one for one in outside(results, app).values() if not differ([*served, one])] if served else []
    releases = {str(one["release"]) for one in (*served, *same)}
    return releases.pop() if len(releases) == 1 else ANY
