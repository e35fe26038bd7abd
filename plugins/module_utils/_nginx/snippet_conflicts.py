# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse directives of a snippet that nginx accepts, but that a location undoes or that take effect twice.

nginx inherits `proxy_set_header` and `add_header` from the level above only where a block has none of its own
(ngx_http_proxy_module, ngx_http_headers_module). A simple directive at an inner level replaces that of the outer one.
"""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import request_headers
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Location, Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet import directives
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet_locations import check_locations
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet_pages import check_pages

# What proxy.conf.j2 sets in each proxied location. A test compares the two.
OF_PROXIED_LOCATIONS = (
    "proxy_http_version",
    "proxy_redirect",
    "proxy_next_upstream",
    "proxy_next_upstream_timeout",
    "proxy_buffer_size",
    "proxy_buffers",
    "proxy_busy_buffers_size",
    "proxy_headers_hash_max_size",
    "proxy_headers_hash_bucket_size",
)
# What site.conf.j2 sets in each location with files.
OF_FILE_LOCATIONS = ("disable_symlinks", "gzip_static", "brotli_static")
HEADERS_OF_FILES = ("X-Content-Type-Options", "Cache-Control")


def check_conflicts(site: Site, where: str) -> None:
    """Raise ValueError for a snippet of *site*, or of one of its locations, that cannot do what it says."""
    for name, args in directives(site["snippet"] or ""):
        problem = _undone(site, name, args)
        if problem:
            raise ValueError(f"{where}: snippet has '{' '.join([name, *args])}', {problem}")
    paths = {matched for location in site["locations"] for matched in _matched(location)}
    for name, args in directives(site["snippet"] or ""):
        # For nginx a prefix is the same location with ^~ and without.
        if name == "location" and tuple(word for word in args if word != "^~") in paths:
            raise ValueError(
                f"{where}: snippet has 'location {' '.join(args)}', and the site itself has that location. "
                "Remove the block, or give the site's location another path."
            )
    check_locations(site, where)
    check_pages(site, where)
    for location in site["locations"]:
        for name, args in directives(location["snippet"] or ""):
            problem = _twice(site, location, name, args)
            if problem:
                raise ValueError(
                    f"{where}, location '{location['path']}': snippet has '{' '.join([name, *args])}', {problem}"
                )


def _undone(site: Site, name: str, args: tuple[str, ...]) -> str:
    """The reason why a directive in the site's ``server`` block has no effect in its locations."""
    proxied = [location["path"] for location in site["locations"] if location["proxy_pass"]]
    files = [location["path"] for location in site["locations"] if location["alias"]]
    if name == "add_header":
        return (
            "which nginx ignores wherever a location adds headers, like those with files. "
            "Write it in the site's option 'headers', which reaches every response"
        )
    if name == "proxy_set_header" and proxied:
        return (
            f"which nginx ignores, because each proxied location ({', '.join(proxied)}) sets headers. "
            "Write it in the 'snippet' of that location of nginx_config"
        )
    if name in OF_PROXIED_LOCATIONS and proxied:
        return f"which has no effect: Gatehouse sets {name} in each proxied location ({', '.join(proxied)}). Remove it"
    if name in OF_FILE_LOCATIONS and files:
        return f"which has no effect: Gatehouse sets {name} in each location with files ({', '.join(files)}). Remove it"
    return ""


def _twice(site: Site, location: Location, name: str, args: tuple[str, ...]) -> str:
    """The reason why a directive in a location would take effect twice, or fail as a duplicate."""
    header = args[0].lower() if args else ""
    if location["proxy_pass"]:
        ours = {one.lower() for one in (*request_headers.SET, "Upgrade", "Connection")}
        if name == "proxy_set_header" and header in ours:
            return f"and nginx sends {args[0]} already: the application would get two values. Remove it"
        if name in OF_PROXIED_LOCATIONS:
            return f"and Gatehouse sets {name} in this location already. Remove it"
    elif name in OF_FILE_LOCATIONS:
        remedy = "Use the option 'symlinks'" if name == "disable_symlinks" else "Remove it"
        return f"and Gatehouse sets {name} in this location already. {remedy}"
    elif name == "add_header" and header in {one.lower() for one in HEADERS_OF_FILES}:
        remedy = "Use the option 'cache_control'" if header == "cache-control" else "Remove it"
        return f"and the location sends {args[0]} already. {remedy}"
    if name == "add_header" and header in {one.lower() for one in site["headers"]}:
        return f"and the site's option 'headers' has {args[0]}, too: clients would get both. Remove one of the two"
    return ""


def _matched(location: Location) -> list[tuple[str, ...]]:
    """The parameters of the locations in nginx's configuration (plugin_utils/_nginx/places.py)."""
    path, base = location["path"], location["path"].rstrip("/")
    if location["alias"] is None:
        return [("=", base), (f"{base}/",)] if base else [("/",)]
    return [(path,)] if path.endswith("/") else [("=", path)]
