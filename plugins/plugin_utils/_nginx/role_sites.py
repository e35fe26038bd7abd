# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate the sites of role django_site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import SiteOptions
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import SLUG, check_keys
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import LOCATION, SITE
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import mounts
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.site_paths import check_paths

# Options that are passed to nginx_config unchanged, for a site and for its proxied locations.
OTHER_OPTIONS = ("locations", "upstreams", "releases", "upstream_authorities")
SITE_OPTIONS = {name: SITE[name] for name in SITE if name not in OTHER_OPTIONS}
OPTIONS = {
    **SITE_OPTIONS,
    "app": {"type": "str"},
    "upstream": {"type": "str"},
    "mounts": {"type": "dict", "default": {}},
    "hosts": {"type": "raw"},
    "static": {"type": "dict"},
    "media": {"type": "dict"},
    "protected_media": {"type": "dict", "default": {}},
    "symlinks": LOCATION["symlinks"],
    "upstreams": SITE["upstreams"],
    "upstream_authorities": SITE["upstream_authorities"],
    "upstream_tls": {"type": "bool"},
    "websocket_paths": {"type": "list", "elements": "str", "default": []},
    "paths": {"type": "dict", "default": {}},
}
# The directories that role django_app uses: the path below the app's prefix, and the directory below the app's.
DEFAULTS = {"static": ("static/", "current/static/"), "media": ("media/", "data/media/")}


class RoleSite(SiteOptions):
    """A site of the role, as `OPTIONS` validates it."""

    app: str | None
    upstream: str | None
    # The names of more apps, by the prefixes of their paths.
    mounts: dict[str, str]
    # Which hosts have the site: the filter sites_of_host has read it.
    hosts: object
    # Of a site whose hosts are not those of its app, the filter sites_of_host has read it.
    upstream_tls: bool | None
    # Directories, by URL path.
    static: dict[str, str] | None
    media: dict[str, str] | None
    protected_media: dict[str, str]
    symlinks: str
    websocket_paths: list[str]
    # The rules of a path, by its prefix.
    paths: dict[str, dict[str, object]]


def checked(given: object, number: int, defaults: Mapping[str, object]) -> RoleSite:
    """The site *given*, validated; raises ValueError with a sentence that names it."""
    if not isinstance(given, Mapping):
        # Anything else may contain a password.
        what = f"'{given}'" if isinstance(given, str) and SLUG.fullmatch(given) else f"a {type(plain(given)).__name__}"
        raise ValueError(
            f"django_site_sites[{number}] is {what}, not a site: "
            "write a dictionary like {name: shop, app: shop, server_name: [www.example.com]}"
        )
    where = f"django_site_sites[{given.get('name') or number}]"
    check_keys(given, OPTIONS, where)
    # To Ansible an option without a value is there, also where it is required.
    given = {**defaults, **{key: value for key, value in given.items() if value is not None}}
    result = ArgumentSpecValidator(OPTIONS).validate(plain(given))
    if result.error_messages:
        raise ValueError(f"{where}: {'; '.join(result.error_messages)}")
    site: RoleSite = result.validated_parameters
    check_paths(site["paths"], where)
    if site["state"] == "present":
        mounts.check_mounts(site["mounts"], where)
        _check_application(site, where)
        for option in ("static", "media", "protected_media"):
            mounts.check_files(site["mounts"], directories(site, option), where)
        if not (site["app"] or site["upstream"]):
            mounts.check_paths(site["mounts"], "websocket_paths", site["websocket_paths"], where)
            mounts.check_paths(site["mounts"], "paths", site["paths"], where)
            mounts.check_paths(site["mounts"], "protected_media", site["protected_media"], where)
    return site


def _check_application(site: RoleSite, where: str) -> None:
    app, upstream = site["app"], site["upstream"]
    if (app is None) == (upstream is None) and (upstream or not site["mounts"]):
        raise ValueError(
            f"{where} needs exactly one of 'app' (the name of a django_app on this host) "
            "and 'upstream' (an address such as 'http://127.0.0.1:8000')"
        )
    if site["upstream_tls"]:
        raise ValueError(
            f"{where}: upstream_tls has an effect only between balancers and web hosts: give the site and its app "
            "different 'hosts' (docs/fleet.md), or remove it"
        )
    if app is not None and not SLUG.fullmatch(app):
        raise ValueError(f"{where}: app '{app}' is not the name of an app: only a-z, 0-9, '-' and '_'")


def directories(site: RoleSite, option: str) -> dict[str, str]:
    """The directories of the *option*: those that are given, and the defaults of each app that none is given for."""
    given = cast("dict[str, dict[str, str] | None]", site)[option]
    default = DEFAULTS.get(option)
    if default is None:
        return given or {}
    replaced = [mounts.owner(site["mounts"], path) for path in given] if given else [mounts.ROOT] * (given is not None)
    below = {
        f"{prefix}{default[0]}": f"{APPS}/{app}/{default[1]}"
        for prefix, app in mounts.applications(site).items()
        if prefix not in replaced
    }
    return {**below, **(given or {})}
