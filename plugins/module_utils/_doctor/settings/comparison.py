# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the comparison of a project's settings with its site works on."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, Symptom
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.forwarded_request import (
    ForwardedRequest,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Project

NAME = re.compile(r"(\*?\.)?([A-Za-z0-9][A-Za-z0-9.-]*)")


@dataclass(frozen=True)
class Comparison:
    """A project and a site that nginx serves it as."""

    project: Project
    site: AppSite
    # The names that this host serves over TLS, by this site or another.
    https_names: Collection[str] = ()

    @cached_property
    def requests(self) -> list[ForwardedRequest]:
        """A request for each name of the site."""
        return [ForwardedRequest(self.site, name) for name in visitor_names(self.site)]

    def finding(self, cause: str, remedy: str, symptom: Symptom | None = None) -> Finding:
        """A finding about the site, with the kind of answer that it leads to."""
        return Finding(self.site.site, cause, remedy, symptom=symptom)


def visitor_names(site: AppSite) -> list[str]:
    """A host name for each server name; for a wildcard, any name that it covers."""
    found: dict[str, None] = {}
    for name in site.names:
        match = NAME.fullmatch(name)
        if match and not name.endswith("."):
            found |= {match[2].lower(): None} if match[1] != "*." else {}
            found |= {f"any.{match[2].lower()}": None} if match[1] else {}
    return list(found) or ["localhost"]
