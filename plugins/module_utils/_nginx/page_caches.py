# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the directories in which nginx keeps pages of applications, and remove those of sites that have no cache."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import NGINX_TEMPORARY
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts

PREFIX = "gatehouse-pages-"
TEMPORARY = "--http-proxy-temp-path="


def root(host: NginxFacts) -> str:
    """nginx's directory for what it keeps: the parent of the one for responses that it cannot hold in memory.

    It is /var/lib/nginx on Debian. nginx can write there in its sandbox, and creates one level of directories.
    """
    found = [argument.removeprefix(TEMPORARY) for argument in host["configure_arguments"] if TEMPORARY in argument]
    parent = os.path.dirname(found[-1].strip("'").rstrip("/")) if found else ""
    return parent if parent.startswith("/") and parent != "/" else NGINX_TEMPORARY


def prune(host: NginxFacts, files: Mapping[str, str]) -> None:
    """Remove the caches that none of the *files* of the live generation mentions. They belong to nginx's user."""
    for path in Path(root(host)).glob(f"{PREFIX}*"):
        if not any(f"proxy_cache_path {path} " in content for content in files.values()):
            # It follows no link (shutil.rmtree.avoids_symlink_attacks). An old worker may still write there.
            shutil.rmtree(path, ignore_errors=True)
