# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the next major version of PostgreSQL that apt can install, and the packages that the upgrade needs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._core import apt
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import POSTGRESQL_SHARED
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.extensions import packages as packages_of

METAPACKAGE = "postgresql"
IGNORED = re.compile(r"-(dbgsym|doc)\b|^postgresql-(doc|contrib)-")
CONTROL = POSTGRESQL_SHARED + "/{major}/extension/{name}.control"


def distribution() -> str:
    """Return the version that the distribution's package `postgresql` depends on, empty if apt does not know it."""
    _code, out, _err = run_bounded(["apt-cache", "show", "--no-all-versions", METAPACKAGE])
    found = re.search(r"^Depends:.*?\bpostgresql-(\d+)\b", out, re.MULTILINE)
    return found[1] if found else ""


def needed(old: str, new: str) -> list[str]:
    """Return the packages of version *new* for those of version *old* that are installed, if apt has them."""
    code, out, err = run_bounded(["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\n"])
    if code:
        raise apt.AptError(f"dpkg-query failed ({code}): {err or out}")
    installed = [line.partition(" ")[2] for line in out.splitlines() if line.startswith("installed ")]
    own = [name for name in installed if _is_of(name, old) and not IGNORED.search(name)]
    return candidates([f"postgresql-{new}", *(name.replace(f"-{old}", f"-{new}", 1) for name in own)])


def _is_of(name: str, major: str) -> bool:
    return re.fullmatch(rf"postgresql(-\w+)*-{major}(-.+)?", name) is not None


def candidates(names: Iterable[str]) -> list[str]:
    """Return those of *names* that apt can install, or that are installed."""
    wanted = list(dict.fromkeys(names))
    _code, out, _err = run_bounded(["apt-cache", "policy", *wanted], environ_update={"LC_ALL": "C.UTF-8"})
    found = re.findall(r"^(\S+):\n(?:  .*\n)*?  Candidate: (\S+)", out, re.MULTILINE)
    known = {name for name, candidate in found if candidate != "(none)"}
    return [name for name in wanted if name in known]


def missing(names: Iterable[str]) -> list[str]:
    """Return those of *names* that are not installed."""
    return apt.missing(run_bounded, names)


def lacking(old: str, new: str, extensions: Mapping[str, Iterable[str]], found: Iterable[str]) -> list[str]:
    """Return a sentence for each extension of the databases *extensions* that version *new* does not have.

    *found* are the packages that will be installed.
    """
    planned = set(missing(found))
    users: dict[str, list[str]] = {}
    for database, names in extensions.items():
        for name in names:
            users.setdefault(name, []).append(database)
    return [
        f"extension '{harmless(name)}' (database {', '.join(map(harmless, databases))}) does not exist for PostgreSQL "
        f"{new}. Install its package, or drop it: DROP EXTENSION {harmless(name)}"
        for name, databases in sorted(users.items())
        if not _has(old, new, name, planned)
    ]


def _has(old: str, new: str, extension: str, planned: set[str]) -> bool:
    if os.path.exists(CONTROL.format(major=new, name=extension)):
        return True
    code, out, _err = run_bounded(["dpkg-query", "--search", CONTROL.format(major=old, name=extension)])
    package = out.split(":")[0] if code == 0 else packages_of("", old, [extension])[0]
    return package.replace(f"-{old}", f"-{new}", 1) in planned
