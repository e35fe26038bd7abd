# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx and the application do not speak the same protocol."""

from __future__ import annotations

import re

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

NOT_HTTP = re.compile(r"upstream sent (?:no valid HTTP/1\.0 header|invalid header|unsupported FastCGI|invalid status)")
NOT_TLS = re.compile(r"SSL_do_handshake\(\) failed")
BAD_CERTIFICATE = re.compile(r"upstream SSL certificate")


def explain(visit: Visit) -> Finding | None:
    """nginx's error line says that it cannot read the answer."""
    passing = visit.pass_directive
    if passing is None or not passing.args:
        return None
    for entry in visit.log_lines:
        words = f"nginx's error log says: {entry.text}"
        target = f"{passing.name} {passing.args[0]} ({passing.where})"
        if NOT_TLS.search(entry.text):
            plain = passing.args[0].replace("https://", "http://", 1)
            cause = f"The application does not speak TLS as {target} expects: {words}"
            return _finding(visit, cause, f"{passing.name} {plain};")
        if BAD_CERTIFICATE.search(entry.text):
            remedy = "Give the application a certificate that proxy_ssl_trusted_certificate of this location knows."
            return Finding(
                visit.request.site,
                f"nginx rejects the certificate of the application behind {target}: {words}.",
                remedy,
            )
        if NOT_HTTP.search(entry.text):
            cause = f"What listens behind {target} does not answer in that protocol: {words}"
            return _finding(visit, cause, "")
    return None


def _finding(visit: Visit, cause: str, line: str) -> Finding:
    if line and not visit.host.is_managed(visit.location) and visit.pass_directive:
        return Finding(
            visit.request.site, f"{cause}.", f"Write '{line}' in {visit.pass_directive.where}, then {places.RELOAD}."
        )
    remedy = "Find out what listens there: `ss -lntxp`. gunicorn, uvicorn and `uwsgi --http-socket` need proxy_pass"
    return Finding(visit.request.site, f"{cause}.", f"{remedy} http://, `uwsgi --socket` needs uwsgi_pass.")
