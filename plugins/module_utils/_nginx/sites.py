# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a list of sites beyond its types: refuse mistakes that ``nginx -t`` accepts.

Every function raises ValueError with one sentence that names the option, the value and the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import values
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.behind import check_behind
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.cache_conflicts import check_caches
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.http_snippet import check_http_snippet
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Location, NginxConf, Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.rule_checks import (
    check_coverage,
    check_location_rules,
    check_rules,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.senders import check_senders
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet import check_syntax
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet_conflicts import check_conflicts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import check_tls
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.upstreams import check_acme_peers, check_upstreams
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import check_value, shown

SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

# As in templates/acme.conf.j2
CHALLENGES = "/.well-known/acme-challenge"

LocationOption = Literal["untrusted", "cache_control"]
ALIAS_OPTIONS: tuple[LocationOption, ...] = ("untrusted", "cache_control")

REPLACEMENTS = {
    "root": "use 'alias': with 'root' nginx appends the location's path to the directory",
    "fastcgi_pass": "use 'proxy_pass': gunicorn speaks HTTP, not FastCGI",
    "uwsgi_pass": "use 'proxy_pass': gunicorn speaks HTTP, not the uwsgi protocol",
    "proxy_redirect": "use 'proxy_pass' for the application's address; "
    "redirects need no rewriting, because the application gets the real host and scheme",
    "server_names": "use 'server_name'",
    "ssl_certificate": "use 'tls: files' with 'tls_certificate'",
    "ssl_certificate_key": "use 'tls: files' with 'tls_key'",
}


def check_keys(given: Mapping[str, Any], spec: Mapping[str, Any] | None = None, where: str = "nginx_config") -> None:
    """Refuse keys that are not in *spec* (default: that of nginx_config) at any depth; suggest the closest one."""
    spec = ARGUMENT_SPEC if spec is None else spec
    for key, value in given.items():
        if key not in spec:
            hint = REPLACEMENTS.get(key)
            refusal = f"unknown option '{key}': {hint}." if hint else unknown(key, list(spec), "option")
            raise ValueError(f"{where}: {refusal}")
        _check_text(value, spec[key], f"{where}: {key}")
        options = spec[key].get("options")
        if options is None or value is None:
            continue
        for number, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, Mapping):
                name = item.get("name") or item.get("path") or number
                inner = f"{where}: {key}[{name}]" if isinstance(value, list) else f"{where}: {key}"
                check_keys(item, options, inner)


def _check_text(value: object, rule: Mapping[str, Any], where: str) -> None:
    """Refuse a dictionary or a list where text is asked for: Ansible makes text of it, and a message would show it all.

    With a slip in YAML it can contain a password.
    """
    elements, kind = [value], rule.get("type")
    if kind == "list" and isinstance(value, list):
        elements, kind = value, rule.get("elements")
    wrong = [item for item in elements if isinstance(item, (Mapping, list, tuple))]
    if kind == "str" and wrong:
        raise ValueError(
            f"{where} has a {'dictionary' if isinstance(wrong[0], Mapping) else 'list'} as value: write text"
        )


def check_generation(given: Mapping[str, object]) -> None:
    """Refuse a generation that is not a number, and one together with options of a change."""
    value = given.get("generation")
    if value is None:
        return
    if value != "previous" and not str(value).isdecimal():
        raise ValueError(
            f"nginx_config: generation '{value}' is neither a number nor 'previous'; "
            "nginx_info lists the generations of a host"
        )
    for option in ("sites", "purge", "nginx_conf"):
        if given.get(option):
            raise ValueError(
                f"nginx_config: 'generation' restores an earlier configuration unchanged: remove '{option}', "
                "or make that change in a second task"
            )


def check_sites(sites: Iterable[Site]) -> None:
    """Refuse sites that nginx would accept and serve wrongly or not at all."""
    seen: set[str] = set()
    owners: dict[tuple[str, str], str] = {}
    for site in sites:
        name = site["name"]
        if not SLUG.fullmatch(name):
            raise ValueError(
                f"site name {shown(name)} is not a slug: it becomes a file name, so use only a-z, 0-9, '-' and '_'"
            )
        if name in seen:
            raise ValueError(f"site '{name}' is listed twice: give each site its own name")
        seen.add(name)
        if site["state"] == "present":
            _check_site(site, f"site '{name}'")
            _check_names_unique(site, owners)


def ports(site: Site) -> set[str]:
    """The ports that *site* listens on, as strings."""
    tls = (site["tls_listen"] or ["443"]) if site["tls"] != "off" else []
    return {values.listen_address(listen).rpartition(":")[2] for listen in [*(site["listen"] or ["80"]), *tls]}


def _check_names_unique(site: Site, owners: dict[tuple[str, str], str]) -> None:
    for server_name in [*site["server_name"], *site["redirect_from"]]:
        for claim in values.claims(server_name):
            for port in sorted(ports(site)):
                other = owners.setdefault((claim, port), site["name"])
                if other != site["name"]:
                    raise ValueError(
                        f"server_name '{server_name}' is claimed by site '{other}' and by site '{site['name']}' "
                        f"on port {port}: nginx would ignore the second one; remove it from one of them, or serve both "
                        "applications by one site (role django_site: `mounts`)"
                    )


def _check_site(site: Site, where: str) -> None:
    if not site["server_name"]:
        raise ValueError(f"{where}: server_name is missing: list the host names of the site, such as [www.example.com]")
    for option in ("server_name", "redirect_from"):
        for value in site[option]:
            check_value(values.check_server_name, where, option, value)
    claimed = [claim for name in site["server_name"] + site["redirect_from"] for claim in values.claims(name)]
    twice = sorted({claim for claim in claimed if claimed.count(claim) > 1})
    if twice:
        raise ValueError(f"{where}: server_name and redirect_from list '{twice[0]}' twice: remove one of the two")
    if site["redirect_from"] and "*" in values.claims(site["server_name"][0])[-1]:
        raise ValueError(
            f"{where}: redirect_from redirects to the first server_name, which must not be a wildcard: "
            f"'{site['server_name'][0]}'"
        )
    _check_listen(site["listen"] or [], where)
    _check_listen(site["tls_listen"] or [], where, "tls_listen")
    check_tls(site, where)
    check_behind(site, where)
    check_rules(site, where)
    check_syntax(site["snippet"], where)
    if not site["locations"]:
        raise ValueError(
            f"{where}: locations is missing: list at least {{path: /, proxy_pass: 'http://127.0.0.1:8000'}}"
        )
    paths: set[str] = set()
    for location in site["locations"]:
        _check_location(location, f"{where}, location {shown(location['path'])}")
        if location["path"] in paths:
            raise ValueError(f"{where}: two locations have the path '{location['path']}': merge them into one")
        if site["tls"] == "acme" and location["path"].rstrip("/") == CHALLENGES:
            raise ValueError(
                f"{where}: path '{location['path']}' is reserved with 'tls: acme' for an authority's challenges: "
                "remove it, or use 'tls: host' with another client"
            )
        paths.add(location["path"])
    check_upstreams(site, where)
    check_acme_peers(site, where)
    check_senders(site, where)
    check_coverage(site, where)
    check_caches(site, where)
    check_conflicts(site, where)


def _check_listen(addresses: Iterable[str], where: str, option: str = "listen") -> None:
    seen: dict[str, str] = {}
    for address in addresses:
        check_value(values.listen_address, where, option, address)
        same = values.listen_address(address)
        if same in seen:
            raise ValueError(
                f"{where}: {option} '{seen[same]}' and '{address}' are the same address: remove one of the two"
            )
        seen[same] = address


def _check_location(location: Location, where: str) -> None:
    check_value(values.check_path, where, "path", location["path"])
    if (location["alias"] is None) == (location["proxy_pass"] is None):
        raise ValueError(f"{where}: give exactly one of 'alias' (files) and 'proxy_pass' (an application)")
    if location["alias"] is None:
        _check_proxied(location, where)
    else:
        _check_alias(location, where)
    check_location_rules(location, where)
    check_value(values.check_text, where, "cache_control", location["cache_control"])
    check_syntax(location["snippet"], where)


def check_nginx_conf(settings: NginxConf | None) -> None:
    """Refuse settings of nginx.conf that would make nginx useless or invalid."""
    if settings is None:
        return
    connections = settings["worker_connections"]
    if connections is not None and not 16 <= connections <= 1_000_000:
        raise ValueError(
            f"nginx_conf: worker_connections {connections} is not between 16 and 1000000: "
            "a proxied client uses two, and nginx allocates memory for all of them at its start"
        )
    check_http_snippet(settings["http_snippet"])


def _check_alias(location: Location, where: str) -> None:
    path, alias = location["path"], location["alias"] or ""
    check_value(values.check_file_path, where, "path", path)
    check_value(values.check_alias, where, "alias", alias)
    if path.endswith("/") != alias.endswith("/"):
        if alias.endswith("/"):
            what = f"nginx would serve '{path}../': add the slash to path"
        else:
            what = f"nginx would serve '{path}x' from '{alias}x': add the slash to alias"
        raise ValueError(f"{where}: path '{path}' and alias '{alias}' must both end with '/', or neither; {what}")


def _check_proxied(location: Location, where: str) -> None:
    check_value(values.check_proxy_pass, where, "proxy_pass", location["proxy_pass"])
    for option in ALIAS_OPTIONS:
        if location[option]:
            raise ValueError(f"{where}: '{option}' has no effect with 'proxy_pass', only with 'alias': remove it")
    if location["symlinks"] != "auto":
        raise ValueError(f"{where}: 'symlinks' has no effect with 'proxy_pass', only with 'alias': remove it")
