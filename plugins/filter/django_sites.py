# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that converts the sites of role django_site to those of module nginx_config."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NotRequired, TypedDict, cast

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS, EXPECTED_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Behind, SiteOptions
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import SLUG, check_keys
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import LOCATION, SITE
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import mounts
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.site_paths import check_paths, with_paths

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


def django_sites(sites: Iterable[object], tls: str | bool = "off", behind: object = None) -> list[ModuleSite]:
    """Convert the role's sites to the C(sites) option of nginx_config; *tls* and *behind* are defaults of theirs."""
    result = ArgumentSpecValidator({"django_site_tls": OPTIONS["tls"]}).validate({"django_site_tls": tls})
    if result.error_messages:
        raise AnsibleFilterError("; ".join(result.error_messages))
    default = result.validated_parameters["django_site_tls"]
    try:
        if behind:
            check_keys({"django_site_behind": behind}, {"django_site_behind": OPTIONS["behind"]}, "role django_site")
        defaults = {"tls": default, "behind": behind or None}
        checked = [_checked(site, number, defaults) for number, site in enumerate(sites)]
        mounts.check_sites(checked)
        return [_module_site(site) for site in checked]
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


def _checked(given: object, number: int, defaults: Mapping[str, object]) -> RoleSite:
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
            mounts.check_files(site["mounts"], _directories(site, option), where)
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


def _module_site(site: RoleSite) -> ModuleSite:
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
        *_locations_of(site, _directories(site, "static"), symlinks),
        *_locations_of(site, _directories(site, "media"), {**symlinks, "untrusted": True}),
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


def _directories(site: RoleSite, option: str) -> dict[str, str]:
    """The directories of the *option*: those that are given, and the defaults of each app that none is given for."""
    given: dict[str, str] | None = cast("dict[str, Any]", site)[option]
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


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"django_sites": django_sites}
