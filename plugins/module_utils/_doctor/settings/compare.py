# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares a project's settings with its site: what keeps visitors from using it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import commands
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.comparison import Comparison
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.files import check_files
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.https import check_https
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.request import (
    check_allowed_hosts,
    check_scheme,
    check_trusted_origins,
)

# Django's own. FILE_UPLOAD_MAX_MEMORY_SIZE is not a limit: above it, Django keeps a file on the disk.
DEFAULT_BODY = 2621440


def check_upload_limit(comparison: Comparison) -> Iterator[Finding]:
    """DATA_UPLOAD_MAX_MEMORY_SIZE: the project accepts bodies that nginx refuses."""
    site = comparison.site
    wanted, limit = comparison.project.values["DATA_UPLOAD_MAX_MEMORY_SIZE"], site.client_max_body_size
    # Without a limit, or with Django's default, the project does not say how large a body may be.
    if not wanted or wanted <= DEFAULT_BODY or not limit or wanted <= limit:
        return
    size = commands.body_size(wanted)
    remedy = "Lower the setting, or raise client_max_body_size if visitors are meant to send bodies of that size."
    if size and site.managed:
        remedy = site.inventory_remedy(f"client_max_body_size: {size}")
    elif size:
        remedy = site.nginx_remedy(f"client_max_body_size {size};")
    yield comparison.finding(
        f"nginx answers 413 to a request body of more than {limit} bytes (client_max_body_size), but "
        f"DATA_UPLOAD_MAX_MEMORY_SIZE allows {wanted}.",
        remedy,
    )


# All of their findings are reported.
CHECKS: tuple[Callable[[Comparison], Iterator[Finding]], ...] = (
    check_scheme,
    check_allowed_hosts,
    check_trusted_origins,
    check_https,
    check_upload_limit,
    check_files,
)


def compare(comparison: Comparison) -> list[Finding]:
    """What of the settings does not fit the site."""
    return [finding for check in CHECKS for finding in check(comparison)]
