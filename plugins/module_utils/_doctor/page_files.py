# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that a page refers to: style sheets, scripts, and images below a path for static files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from urllib.parse import urljoin

from ansible_collections.gatehouse.django.plugins.module_utils._app.references import MAX_REFERENCES, tags
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import follow
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.walk import visit_all

MAX_FILES = 8  # of one page
STYLE_SHEET = re.compile(r"""(?:^|\s)rel\s{0,9}=\s{0,9}["']?\s{0,9}stylesheet\b""", re.IGNORECASE)


def visit_files(visits: Sequence[Visit]) -> list[Visit]:
    """Request the files that the pages of *visits* need. A file that is absent needs an explanation."""
    pages = [visit for visit in visits if is_page(visit)]
    needed = [(page.request.url, request) for page in pages for request in islice(_files(page), MAX_FILES)]
    # Of two pages that need the same file, the first.
    by_url = {request.url: (page, request) for page, request in reversed(needed)}
    if not by_url:
        return []
    visited = visit_all(visits[0].host, [request for _page, request in by_url.values()], is_target=True)
    return [one.needed_by(by_url[one.steps[0].request.url][0]) for one in visited]


def is_page(visit: Visit) -> bool:
    """Whether the visit ends with a page of HTML."""
    return visit.status == 200 and "html" in visit.answer.content_type.lower()


def _files(visit: Visit) -> Iterator[Request]:
    page = visit.request
    seen: set[str] = {page.url}
    for name, attributes, address in islice(tags(visit.answer.body), MAX_REFERENCES):
        request = _request_for(visit, address)
        # An image, or an icon, may be a visitor's upload that was deleted.
        is_needed = name == "script" or (name == "link" and STYLE_SHEET.search(attributes))
        if request and request.url not in seen and (is_needed or sites.is_static(request.plain_path, "")):
            seen.add(request.url)
            yield request


def _request_for(visit: Visit, address: str) -> Request | None:
    """The request for a file of the same site, None for another one."""
    try:
        url = urljoin(f"{visit.request.scheme}://{visit.request.host}{visit.request.path}", address.strip())
    except ValueError:
        return None
    if not url.startswith(("http://", "https://")) or not url.isprintable():
        return None
    request = follow(visit.host, url)
    return request if request and request.name == visit.request.name else None
