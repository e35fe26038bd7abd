# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the projects that a host serves with their sites."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, guarded
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.compare import compare
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.comparison import Comparison
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.reading import (
    Run,
    Unreadable,
    read_project,
    run_limited,
)


def check_projects(sites: Sequence[AppSite], root: str = "/srv", run: Run = run_limited) -> list[Finding]:
    """Read each project once, and compare it with each of its *sites*, which are all that the host has."""
    https_names = [name for site in sites if site.tls for name in site.names]
    found: list[Finding] = []
    for name in dict.fromkeys(site.app for site in sites):
        app = App(name, root)
        if not os.path.isdir(app.link):
            continue  # nothing is served: an answer shows that
        own = [site for site in sites if site.app == name]
        try:
            project = read_project(app, run)
        except (Unreadable, ReleaseError, OSError, ValueError) as error:
            cause = f"The settings of app {name} do not load: {error}"
            remedy = f"Type `{app.home}/manage check`, which shows the whole traceback, and correct what it names."
            found += [Finding(site.site, cause, remedy) for site in own]
            continue
        for site in own:
            comparison = Comparison(project, site, https_names)
            found += guarded(site.site, f"the settings of app {name}", partial(compare, comparison))
    # A site has a server for each address, but one finding.
    return list(dict.fromkeys(found))
