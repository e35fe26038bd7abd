# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the error pages of a snippet that have no effect, or that end those of the site.

Of several pages for one status in a block nginx takes the first (ngx_http_special_response_handler). A block inherits
`error_page` only where it has none of its own (ngx_http_core_merge_loc_conf).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet import directives

# For which server.conf.j2 has a page. A test compares the two.
WITH_PAGE = ("401", "403", "413", "429", "502", "503", "504")


def check_pages(site: Site, where: str, codes: Collection[str] = WITH_PAGE) -> None:
    """Raise ValueError for an ``error_page`` in the snippet of *site* for one of *codes*, which the site has itself."""
    for status, words in _pages(site["snippet"]):
        if status in codes:
            raise ValueError(
                f"{where}: snippet has '{words}', and nginx ignores it for {status}, because the site has a page for "
                f"that. Put your page as {_file(status)} into the directory that option 'pages' names, or remove it. "
                "Nothing was changed."
            )


def warnings(site: Site) -> list[str]:
    """A sentence for each location of *site* whose snippet ends Gatehouse's error pages there."""
    found = []
    for location in site["locations"]:
        own = {status for status, _words in _pages(location["snippet"])}
        lost = [status for status in WITH_PAGE if status not in own]
        if own and lost:
            found.append(
                f"site '{site['name']}', location '{location['path']}': its snippet has error_page, so nginx uses no "
                f"other error page of the site there: add 'error_page {' '.join(lost)} /gatehouse-pages/$status.html;' "
                "to the snippet to keep them"
            )
    return found


def _file(status: str) -> str:
    # nginx's own codes for reasons of an answer 400 (plugin_utils/_nginx/pages.py).
    return f"{'400' if status in ('494', '495', '496', '497') else status}.html"


def _pages(snippet: str | None) -> Iterator[tuple[str, str]]:
    """Each status with an ``error_page`` in *snippet*, outside of its blocks, and that directive."""
    for name, args in directives(snippet or ""):
        if name == "error_page":
            yield from ((status, " ".join((name, *args))) for status in args[:-1] if not status.startswith("="))
