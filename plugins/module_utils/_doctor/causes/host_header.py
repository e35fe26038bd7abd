# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that answers 400 to the Host header, as Django does for a name that ALLOWED_HOSTS lacks."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import sent_headers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit


def explain(visit: Visit) -> Finding | None:
    """nginx sends the name of the upstream as Host, or the project does not allow the visitor's."""
    passing, location, name = visit.pass_directive, visit.location, visit.request.name
    if visit.status != 400 or passing is None:
        return None
    certificate = visit.server.inherited("ssl_verify_client")
    if certificate and certificate.args == ("on",):
        return None  # nginx itself answers 400 to a visitor without a certificate
    target = passing.args[0] if passing.args else ""
    sent = dict(sent_headers(location)).get("Host")
    if sent in (None, "$proxy_host") and passing.name == "proxy_pass":
        cause = f"The application behind {target} answers 400: without a 'proxy_set_header Host' in {location.where}"
        cause += f" nginx sends it the Host of that address instead of {name}, and ALLOWED_HOSTS lacks that Host"
        remedy = f"Add 'proxy_set_header Host $host;' to {location.where} and `systemctl reload nginx`."
        return Finding(visit.request.site, f"{cause}.", remedy)
    cause = (
        f"The application behind {target} answers 400 to the Host {name}, as Django does where ALLOWED_HOSTS lacks it"
    )
    remedy = f'Add "{name}" to the list in its settings: ALLOWED_HOSTS = ["{name}"].'
    return Finding(visit.request.site, f"{cause}.", remedy)
