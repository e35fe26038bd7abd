# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An app that answers with an error because it cannot use its database, cache or broker, or has no space for files."""

from __future__ import annotations

import re

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import app_log, evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.data_servers import check_data_servers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.space import check_app_space
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

# Exceptions of the drivers and of Django (PEP 249), of redis-py, kombu and the system.
OF_SERVERS = re.compile(
    r"\b(?:OperationalError|InterfaceError|InternalError|DiskFull|DatabaseError|ConnectionError|TimeoutError|"
    r"ConnectionTimeout|AuthenticationError|ConnectionRefusedError|ConnectionResetError|SSLCertVerificationError|"
    r"ResponseError|OSError)\b"
)


def explain(visit: Visit) -> Finding | None:
    """The server that the app cannot use, unless the app's log names another error."""
    if visit.pass_directive is None or not visit.app or visit.status < 500 or visit.is_unanswered or visit.is_by_nginx:
        return None
    words = evidence.last_error(visit, evidence.journal_lines(visit)) or app_log.last_error(visit)[1]
    if words and not OF_SERVERS.search(words):
        return None
    found = check_data_servers(visit.host, visit.request.site, visit.app)
    # SQLite.
    found = found or check_app_space(visit.request.site, visit.app)
    return found[0] if found else None
