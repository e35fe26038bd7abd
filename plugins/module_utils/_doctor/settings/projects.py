# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the projects that a host serves with their sites."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS, RUN_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, guarded
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.compare import compare
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.comparison import Comparison
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.reading import (
    NoProcess,
    Run,
    Unreadable,
    read_project,
    run_limited,
)

# Projects that are read at the same time, each by a process of its own.
CONCURRENT_PROJECTS = 4


def check_projects(sites: Sequence[AppSite], root: str = APPS, run: Run = run_limited) -> list[Finding]:
    """Read each project once, and compare it with each of its *sites*, which are all that the host has."""
    https_names = [name for site in sites if site.tls for name in site.names]
    by_app: dict[str, list[AppSite]] = {}
    for site in sites:
        by_app.setdefault(site.app, []).append(site)
    # Most of the time passes in the processes that read the settings.
    with ThreadPoolExecutor(min(CONCURRENT_PROJECTS, os.cpu_count() or 1)) as pool:
        found = list(pool.map(lambda name: _check_project(App(name, root), by_app[name], https_names, run), by_app))
    # A site has a server for each address, but one finding.
    return list(dict.fromkeys(finding for findings in found for finding in findings))


def _check_project(app: App, sites: Sequence[AppSite], https_names: Collection[str], run: Run) -> list[Finding]:
    if not os.path.isdir(app.link):
        return []  # nothing is served: an answer shows that
    try:
        project = read_project(app, run)
    except NoProcess as error:
        cause = f"The doctor cannot read the settings of app {app.name}: {error}"
        commands = f"`df {RUN_DIRECTORY}; df --inodes {RUN_DIRECTORY}; findmnt {RUN_DIRECTORY}`"
        remedy = f"Type {commands} to see what it lacks, and correct that."
        return [Finding(site.site, cause, remedy) for site in sites]
    except (Unreadable, ReleaseError, OSError, ValueError) as error:
        cause = f"The settings of app {app.name} do not load: {error}"
        remedy = f"Type `{app.home}/manage check`, which shows the whole traceback, and correct what it names."
        return [Finding(site.site, cause, remedy) for site in sites]
    return [
        finding
        for site in sites
        for finding in guarded(
            site.site,
            f"the settings of app {app.name}",
            partial(compare, Comparison(project, site, https_names)),
        )
    ]
