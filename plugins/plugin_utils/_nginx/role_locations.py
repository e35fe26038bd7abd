# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn a site of role django_site into one of nginx_config: its directories and applications become locations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict, cast

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS, EXPECTED_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Behind, SiteOptions
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import mounts
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.role_sites import (
    SITE_OPTIONS,
    RoleSite,
    directories,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.site_paths import with_paths


class ModuleLocation(TypedDict, total=False):
    """A location for nginx_config; an option that is missing has the module's default."""

    path: str
    alias: str
    untrusted: bool
    internal: bool
    sent_by: str
    files: bool
    rate: str
    connections: int
    page_cache: str
    symlinks: str
    websocket: bool
    proxy_pass: str


class ModuleSite(SiteOptions):
    """A site for nginx_config; one that is absent has no locations."""

    locations: NotRequired[list[ModuleLocation]]


# Files on other hosts. No limit counts requests for files, as where nginx sends them itself.
FILES_ELSEWHERE: ModuleLocation = {"files": True, "rate": "off", "connections": 0, "page_cache": "off"}


def module_site(site: RoleSite) -> ModuleSite:
    result = cast("ModuleSite", {name: value for name, value in site.items() if name in SITE_OPTIONS})
    if site["behind"]:
        # Ansible would compare a None with the choices of the option.
        behind: Behind = cast("Behind", {name: value for name, value in site["behind"].items() if value is not None})
        result["behind"] = behind
    if site["state"] == "present":
        if site["upstreams"]:
            result["upstreams"] = site["upstreams"]
            # Role django_site makes these links.
            result["releases"] = {app: f"{EXPECTED_DIRECTORY}/{app}" for app in site["upstreams"]}
            result["upstream_authorities"] = site["upstream_authorities"]
        result["locations"] = with_paths([*_file_locations(site), *_proxied_locations(site)], site["paths"])
    return result


def _file_locations(site: RoleSite) -> list[ModuleLocation]:
    symlinks: ModuleLocation = {} if site["symlinks"] == "auto" else {"symlinks": site["symlinks"]}
    return [
        *_locations_of(site, directories(site, "static"), symlinks),
        *_locations_of(site, directories(site, "media"), {**symlinks, "untrusted": True}),
        *_protected(site, {**symlinks, "internal": True}),
    ]


def _protected(site: RoleSite, options: ModuleLocation) -> list[ModuleLocation]:
    """The locations of protected files. Of several apps, only the one that they belong to can send them."""
    here = {path: alias for path, alias in site["protected_media"].items() if not _group_of(site, path)}
    found = _locations_of(site, here, options)
    addresses = _addresses(site) if site["mounts"] else {}
    return [
        {**location, "sent_by": addresses[mounts.owner(addresses, location["path"])]} if addresses else location
        for location in found
    ]


def _locations_of(site: RoleSite, directories: Mapping[str, str], options: ModuleLocation) -> list[ModuleLocation]:
    found: list[ModuleLocation] = []
    for path, alias in directories.items():
        group = _group_of(site, path)
        found.append(
            {"path": path, **FILES_ELSEWHERE, "proxy_pass": group}
            if group
            else {"path": path, "alias": alias, **options}
        )
    return found


def _group_of(site: RoleSite, path: str) -> str:
    """The address of the group of hosts that serves *path*, empty where this host does it."""
    app = mounts.applications(site).get(mounts.owner(site["mounts"], path))
    return f"http://{app}" if app in site["upstreams"] else ""


def _proxied_locations(site: RoleSite) -> list[ModuleLocation]:
    addresses = _addresses(site)
    websockets: list[ModuleLocation] = [
        {"path": path, "websocket": True, "proxy_pass": addresses[mounts.owner(addresses, path)]}
        for path in site["websocket_paths"]
    ]
    # The site's own application comes last.
    others: list[ModuleLocation] = [
        {"path": path, "proxy_pass": address} for path, address in sorted(addresses.items(), reverse=True)
    ]
    return [*websockets, *others]


def _addresses(site: RoleSite) -> dict[str, str]:
    """The addresses of the applications by their prefixes, ``/`` for the site's own."""
    own = {mounts.ROOT: site["upstream"]} if site["upstream"] is not None else {}
    apps = mounts.applications(site).items()
    return {**own, **{prefix: _address(site, app) for prefix, app in apps}}


def _address(site: RoleSite, app: str) -> str:
    return f"http://{app}" if app in site["upstreams"] else f"http://unix:{APPS}/{app}/current/web.sock"
