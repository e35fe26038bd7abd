# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the pages of a site from a directory on the controller: for errors, and robots.txt and the like."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet_pages import check_pages

DEFAULTS = Path(__file__).parent / "templates"
# Those for which nginx has a page of Gatehouse's (templates/server.conf.j2).
WITH_DEFAULT = ("401", "403", "413", "429", "502", "503", "504")
# What nginx itself answers to requests, beside redirects.
STATUSES = (*WITH_DEFAULT, "400", "404", "405", "408", "414", "416", "500")
# nginx answers 400 as well where it has a code of its own for the reason, and looks for a page under that code: headers
# that are too large, a client certificate, plain HTTP to a port with TLS (ngx_http_request.h).
CODES = {"400": ("400", "494", "495", "496", "497")}
# Other files, with the paths under which browsers and robots ask for them (RFC 9309, RFC 9116).
FILES = {
    "robots.txt": "/robots.txt",
    "favicon.ico": "/favicon.ico",
    "security.txt": "/.well-known/security.txt",
}
LARGEST = 256 * 1024


def read(site: Site, directory: str) -> dict[str, bytes]:
    """The files in *directory* for *site*, by name.

    Raises ValueError with a sentence that names the site and the file.
    """
    where = f"site '{site['name']}': pages '{site['pages']}'"
    if not os.path.isdir(directory):
        raise ValueError(f"{where} is not a directory on the controller")
    found = {}
    known = [*(f"{status}.html" for status in sorted(STATUSES)), *FILES]
    # Editors, git and file managers leave files with a dot.
    for name in sorted(name for name in os.listdir(directory) if not name.startswith(".")):
        path = os.path.join(directory, name)
        if os.path.isdir(path):
            raise ValueError(
                f"{where} contains the directory '{name}': put what the pages show into them, or let them refer to "
                "static files of the site"
            )
        if os.path.exists(path) and not os.path.isfile(path):
            # A FIFO would stop the play until a program writes into it.
            raise ValueError(f"{where}: {name} is not a regular file: replace it by one")
        if name not in known:
            raise ValueError(f"{where}: {unknown(name, known, 'file')}")
        found[name] = _content(path, f"{where}: {name}")
    if not found:
        raise ValueError(f"{where} contains no file: add some of {', '.join(known)}, or remove the option")
    check_pages(site, where, [code for codes in statuses(found).values() for code in codes])
    for name in set(found) & set(FILES):
        _refuse_second(site, FILES[name], f"{where}: {name}")
    return found


def with_defaults(own: dict[str, bytes]) -> dict[str, bytes]:
    """The files *own*, and Gatehouse's pages for the statuses that are not among them."""
    return {f"{status}.html": (DEFAULTS / f"{status}.html").read_bytes() for status in WITH_DEFAULT} | own


def statuses(own: dict[str, bytes]) -> dict[str, tuple[str, ...]]:
    """The statuses for which *own* has a page and nginx has none of Gatehouse's, with nginx's codes for each."""
    more = sorted(set(STATUSES) - set(WITH_DEFAULT))
    return {status: CODES.get(status, (status,)) for status in more if f"{status}.html" in own}


def _content(path: str, where: str) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ValueError(f"{where} cannot be read on the controller: {error.strerror}") from error
    if len(content) > LARGEST:
        raise ValueError(f"{where} is larger than {LARGEST // 1024} KiB: make it smaller")
    return content


def _refuse_second(site: Site, path: str, where: str) -> None:
    for location in site["locations"]:
        if location["path"].rstrip("/") == path:
            raise ValueError(f"{where} is also what location '{location['path']}' serves: remove one of the two")
