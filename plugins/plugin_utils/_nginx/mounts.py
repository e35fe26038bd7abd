# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the option ``mounts`` of the sites of role django_site: several apps under one name.

Every function raises ValueError with a sentence that names the site, the option, the value and the remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core.prefix import check_prefix
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import values
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import SLUG, ports
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import check_value, shown

ROOT = "/"


def applications(site: Mapping[str, object]) -> dict[str, str]:
    """The apps of *site* by the path below which it serves them; ``/`` for its own app. The site may be unchecked."""
    mounts = site.get("mounts")
    own = {ROOT: site["app"]} if site.get("app") else {}
    return {**own, **(mounts if isinstance(mounts, Mapping) else {})}


def present(sites: Iterable[Any]) -> list[Mapping[str, Any]]:
    """Those of the unchecked *sites* that are served."""
    return [site for site in sites if isinstance(site, Mapping) and site.get("state") != "absent"]


def owner(mounts: Mapping[str, str], path: str) -> str:
    """The prefix of the app that *path* belongs to, ``/`` for that of the site."""
    around = [prefix for prefix in mounts if f"{path.rstrip('/')}/".startswith(prefix)]
    return max(around, key=len, default=ROOT)


def check_mounts(mounts: Mapping[str, object], where: str) -> None:
    """Refuse prefixes and apps that are none."""
    for prefix, app in mounts.items():
        if prefix == ROOT:
            raise ValueError(f"{where}: mounts: '/' is the whole site: write `app: {app}` instead")
        check_value(check_prefix, where, "mounts", str(prefix))
        check_value(values.check_path, where, "mounts", str(prefix))
        if not isinstance(app, str) or not SLUG.fullmatch(app):
            raise ValueError(
                f"{where}: mounts: {shown(str(app))} at '{prefix}' is not the name of an app: write `{prefix}: shop`, "
                "with the name of a django_app on this host"
            )


def check_files(mounts: Mapping[str, str], files: Iterable[str], where: str) -> None:
    """Refuse a mount below the path of *files* that nginx sends: one of the two would hide a part of the other."""
    for path in files:
        for prefix in mounts:
            if prefix.startswith(f"{path.rstrip('/')}/"):
                raise ValueError(
                    f"{where}: mounts: '{prefix}' is below '{path}', where nginx sends files of another directory: "
                    "mount the app at another prefix"
                )


def check_paths(mounts: Mapping[str, str], option: str, paths: Iterable[str], where: str) -> None:
    """Refuse *paths* that no app serves, for a site without an application at ``/``."""
    for path in paths:
        if owner(mounts, path) == ROOT:
            raise ValueError(
                f"{where}: {option}: '{path}' is below none of the mounts ({', '.join(mounts)}), and the site has no "
                "application of its own: set `app`, or write the path with the prefix of its app"
            )


def prefix_of(sites: Iterable[object], app: str) -> str:
    """The prefix at which the unchecked *sites* mount *app*; ``/`` for a site of its own, empty for no site."""
    found: dict[str, str] = {}
    for site in present(sites):
        for prefix, name in applications(site).items():
            if name == app:
                found.setdefault(prefix, str(site.get("name")))
    if len(found) > 1:
        (first, one), (second, another) = list(found.items())[:2]
        raise ValueError(
            f"app '{app}' is served at '{first}' (site '{one}') and at '{second}' (site '{another}'): Django writes "
            "one prefix into all its URLs. Remove one of the two, or deploy the project once more under another name"
        )
    return next(iter(found), "")


def check_sites(sites: Iterable[object]) -> None:
    """Refuse an app at two prefixes, and two sites with apps under one name."""
    served = present(sites)
    check_names(served)
    for app in dict.fromkeys(app for site in served for app in applications(site).values()):
        prefix_of(served, app)


def check_names(sites: Iterable[Any]) -> None:
    """Refuse two sites of one name, each with an app: one site with ``mounts`` serves both."""
    owners: dict[tuple[str, str], Any] = {}
    for site in sites:
        for claim in _claims(site):
            other = owners.setdefault(claim, site)
            # A site that is listed twice has another mistake.
            if other["name"] == site["name"]:
                continue
            kept, moved = (other, site) if site["app"] else (site, other)
            if not moved["app"] or moved["mounts"]:
                continue
            raise ValueError(
                f"server_name '{claim[0]}' is that of site '{other['name']}' and of site '{site['name']}' on port "
                f"{claim[1]}, but a name has one site. To serve both applications under it, write "
                f"`mounts: {{/{moved['app']}/: {moved['app']}}}` in site '{kept['name']}', and `state: absent` in site "
                f"'{moved['name']}'"
            )


def _claims(site: Any) -> Iterator[tuple[str, str]]:
    try:
        found = sorted(ports(site))
    except ValueError:
        return  # nginx_config says what is wrong with an address
    for name in site["server_name"] or []:
        for claim in values.claims(name):
            for port in found:
                yield claim, port
