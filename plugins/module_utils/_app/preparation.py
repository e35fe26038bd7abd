# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the process that prepares a candidate is told, and why it failed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import remedies, sandbox_errors, store, time_limit
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Params, Private
from ansible_collections.gatehouse.django.plugins.module_utils._app.report import Report
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools, tail

APPLIED = "The migrations of this release were applied before."
ALL_FINDINGS = "check.txt"
SEE_ALL = f"The file {ALL_FINDINGS} of the candidate has all findings."


def arguments(app: App, params: Params, private: Private, static: str, part: str = "all") -> list[str]:
    """Return the arguments of gatehouse_prepare.py, for a *part* of its phases (part_of() there)."""
    options = {
        "check_deploy": params["check_deploy"],
        "check_ignore": params["check_ignore"],
        "variables": list(private["variables"]),
        "limit": time_limit.LIMIT_SECONDS,
        "database": app.name if params["database"] else "",
        "part": part,
        "is_remote": isinstance(params["database"], Mapping) and bool(params["database"].get("host")),
        # After the migration, the databases do not show any more that they were new.
        "is_new": part == "after_migration" or (not app.current() and store.has_new_databases(app)),
    }
    databases, timeout = ",".join(params["migrate_databases"]), str(params["plan"]["health"]["timeout"])
    return [json.dumps(options), params["application"], static, databases, timeout]


def explain(tools: Tools, app: App, release: str, found: Report, code: int, printed: str, installed: str) -> str:
    """Return why the process ended with *code* after it had *printed* this to standard error.

    *installed* names the list of the installed dependencies.
    Write into the directory *release* what the error does not show, and what the next run must know.
    """
    if found.error:
        path = os.path.join(release, ALL_FINDINGS)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{tools.conceal(found.check)}\n")
    if found.is_new and not found.migrated:
        Path(release, store.NEW_DATABASES).touch()
    reasons = [found.explain(code, tail(printed)), sandbox_errors.explain(printed, app)]
    reasons.append(remedies.of_import(tail(printed), installed))
    reasons += [SEE_ALL if found.error else "", APPLIED if found.migrated else ""]
    return "\n".join(filter(None, reasons))
