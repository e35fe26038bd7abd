# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An answer whose header is larger than nginx's buffer for it: cookies, most of the time."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import direct, places
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.direct import Header
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import upstream_addresses
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

TEXT = "upstream sent too big header"
SHOWN = 5  # cookies
MAX_BUFFER = 1024  # KiB
# nginx's default is one page of memory.
DEFAULT = "4k or 8k, nginx's default"


def explain(visit: Visit) -> Finding | None:
    """nginx's error line says so; the application itself is asked for the size and the cookies."""
    if visit.pass_directive is None or not any(TEXT in entry.text for entry in visit.log_lines):
        return None
    prefix = visit.pass_directive.name.removesuffix("_pass")
    name = f"{prefix}_buffer_size"
    given = visit.location.inherited(name)
    limit = f"{given.args[0]} ({given.where})" if given and given.args else DEFAULT
    cause = (
        f"nginx answers 502 because the header of {visit.application}'s answer to {visit.request.plain_path} is larger"
    )
    cause = f"{cause} than {name}, which is {limit}: its error log says '{TEXT}'"
    header = _measured(visit) if prefix == "proxy" else None
    if header:
        cause = f"{cause}. The header has {header.size} bytes{_cookies(header)}"
    return Finding(visit.request.site, f"{cause}.", _remedy(visit, prefix, header))


def _measured(visit: Visit) -> Header | None:
    return next(
        (found for one in upstream_addresses(visit.location) if (found := direct.read_header(visit, one))), None
    )


def _largest(header: Header) -> list[tuple[str, int]]:
    return sorted(header.cookies.items(), key=lambda one: -one[1])[:SHOWN]


def _cookies(header: Header) -> str:
    if not header.cookies:
        return ", without a cookie"
    shown = ", ".join(f"{name} ({size} bytes)" for name, size in _largest(header))
    return f", of which {sum(header.cookies.values())} are {len(header.cookies)} cookies: {shown}"


def _remedy(visit: Visit, prefix: str, header: Header | None) -> str:
    size = 16
    while header and size * 1024 < header.size + 1024 and size < MAX_BUFFER:
        size *= 2
    if visit.host.is_managed(visit.location):
        return _fewer(visit, header)
    lines = f"{prefix}_buffer_size {size}k; {prefix}_buffers 8 {size}k; {prefix}_busy_buffers_size {2 * size}k;"
    return f"Write '{lines}' in {visit.location.where}, then {places.RELOAD}. {_fewer(visit, header)}"


def _fewer(visit: Visit, header: Header | None) -> str:
    """Browsers send cookies back in one header, of which nginx takes no more: a larger buffer alone is no remedy."""
    if header and not header.cookies:
        return "Let the application send shorter headers."
    if header and _largest(header)[0][0] == "sessionid":
        name, value = "SESSION_ENGINE", "django.contrib.sessions.backends.db"
        line = f"`{name}: {value}` in settings of the app {visit.app} in django_apps"
        line = line if visit.app else f"`{name} = '{value}'` in the settings of the project"
        return f"Django keeps the session in a cookie: write {line}."
    shorter = "Let the application send fewer or shorter cookies: browsers send them back in one header, of which nginx"
    return (
        f"{shorter} takes no more than {_accepted(visit)}. Keep in them the key of a row, and the data in the database."
    )


def _accepted(visit: Visit) -> str:
    given = visit.server.inherited("large_client_header_buffers")
    return given.args[-1] if given and given.args else "8k"
