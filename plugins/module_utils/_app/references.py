# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the static files that an HTML page refers to. The page is untrusted: each step takes linear time."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote, urljoin, urlsplit

MAX_REFERENCES = 200
TAG = re.compile(r"<(link|script|img)\s([^<>]{1,2000})>", re.IGNORECASE)
ADDRESS = re.compile(r"""(?:^|\s)(?:href|src)\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)


def static_names(page: str, url: str, static_url: str) -> list[str]:
    """Return the names, relative to the static directory, of the files below *static_url* that *page* refers to.

    *url* is the absolute URL of the page. A file of another host is left out.
    """
    top = _split(url, static_url) if static_url else None
    if top is None or top[0] != (urlsplit(url).hostname or ""):
        return []
    found = (_name(top, _split(url, one)) for _tag, _attributes, one in islice(tags(page), MAX_REFERENCES))
    return list(dict.fromkeys(name for name in found if name))


def tags(page: str) -> Iterator[tuple[str, str, str]]:
    """Each link, script and image of *page* with an address: the name of its tag, its attributes, and the address."""
    for tag in TAG.finditer(_without_comments(page)):
        address = ADDRESS.search(tag[2])
        if address:
            yield tag[1].lower(), tag[2], html.unescape(next((one for one in address.groups() if one), ""))


def _without_comments(page: str) -> str:
    first, *others = page.split("<!--")
    return first + "".join(part.partition("-->")[2] for part in others)


def _split(url: str, address: str) -> tuple[str, str] | None:
    """Return the host and the decoded path of *address*, as it is written on the page *url*; None if it is no URL."""
    try:
        target = urlsplit(urljoin(url, address.strip()))
        return target.hostname or "", unquote(target.path)
    except ValueError:
        return None


def _name(top: tuple[str, str], target: tuple[str, str] | None) -> str:
    if target is None or target[0] != top[0] or not target[1].startswith(top[1]):
        return ""
    name = posixpath.normpath(target[1][len(top[1]) :].lstrip("/"))
    return "" if name == "." or name.startswith("..") else name
