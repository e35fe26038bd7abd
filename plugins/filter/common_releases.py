# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that finds the releases which the hosts of an app serve."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


def common_releases(
    links: Iterable[Mapping[str, Any]], apps: Iterable[str], behind: Sequence[Mapping[str, Any]] = ()
) -> dict[str, str]:
    """Return, by app, the releases that the *links* lead to, with ``+`` between, ``any`` for several sources.

    *links* are results of module stat for ``/srv/APP/current`` in a loop over the names of apps. *behind* are those of
    django_status on all hosts of the apps: hosts without a link whose release differs only in the Python count as well.
    """
    from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.releases import expected

    wanted, found = set(apps), dict[str, set[str]]()
    for link in links:
        target = link.get("stat", {}).get("lnk_target")
        if link.get("item") in wanted and target:
            found.setdefault(link["item"], set()).add(posixpath.basename(target))
    known = {
        (served["name"], served["release"]): served.get("configuration", "")
        for one in behind
        for served in one.get("apps") or []
    }
    return {
        app: expected(
            [{"release": release, "configuration": known.get((app, release), "")} for release in releases], behind, app
        )
        for app, releases in found.items()
    }


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"common_releases": common_releases}
