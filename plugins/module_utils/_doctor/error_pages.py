# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages that nginx sends with an error instead of its own: those of a site, or Gatehouse's (error_page)."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.files import place_of
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import location_for

# nginx's own statuses for what it answers as 400 (ngx_http_request.h): a header that is too large, and TLS.
AS_400 = ("494", "495", "496", "497")
MIN_LENGTH = 20  # characters: what is shorter may be a coincidence


def is_sent(server: Directive, location: Directive, status: int, body: str) -> bool:
    """Whether *body* is the page, or the beginning of the page, that nginx sends with *status* in *location*."""
    if len(body) < MIN_LENGTH:
        return False
    return any(_content(server, uri).startswith(body) for uri in _pages(location, status))


def asks_for_password(location: Directive, challenge: str) -> bool:
    """Whether *challenge* is that of auth_basic in *location*. nginx logs nothing when a request has no password."""
    given = location.inherited("auth_basic")
    if given is None or not given.args or given.args[0] == "off":
        return False
    # A realm with a variable may be any text.
    realm = given.args[0].partition("$")[0]
    return challenge.lower().startswith("basic ") and f'realm="{realm}' in challenge


def _pages(location: Directive, status: int) -> list[str]:
    """The URIs of the pages for *status*. A block without error_page has those of the block around it."""
    block: Directive | None = location
    while block is not None and not block.children("error_page"):
        block = block.parent
    codes = {str(status), *(AS_400 if status == 400 else ())}
    given = [one.args for one in block.children("error_page")] if block else []
    return [args[-1] for args in given if codes & set(args[:-1]) and args[-1].startswith("/")]


def _content(server: Directive, uri: str) -> str:
    path = place_of(location_for(server, uri), uri).path
    try:
        return untrusted.read(path) if "$" not in path else ""
    except OSError:
        return ""
