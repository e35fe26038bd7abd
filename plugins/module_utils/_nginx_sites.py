# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a list of sites must satisfy beyond its types: the mistakes that C(nginx -t) accepts.

Every function raises ValueError with one sentence that names the option, the value and the remedy.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._nginx_snippet import unfinished
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_spec import ARGUMENT_SPEC

SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
# RFC 1123 host names, with nginx's leading or trailing wildcard (ngx_http_core_module, server_name).
LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
SERVER_NAME = re.compile(rf"(?:\*\.|\.)?{LABEL}(?:\.{LABEL})*(?:\.\*)?")
LISTEN = re.compile(r"(?:(?:\d{1,3}(?:\.\d{1,3}){3}|\*|\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):)?(?P<port>\d{1,5})")
SIZE = re.compile(r"\d+[kKmMgG]?")
TIME = re.compile(r"\d+(?:ms|s|m|h|d)?")
PROXY_PASS = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:unix:(?P<socket>/[^:]+)|(?P<address>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?)"
    r"(?P<uri>.*)"
)

INSTEAD = {
    "root": "use 'alias': with 'root' nginx appends the location's path to the directory",
    "fastcgi_pass": "use 'proxy_pass': gunicorn speaks HTTP, not FastCGI",
    "uwsgi_pass": "use 'proxy_pass': gunicorn speaks HTTP, not the uwsgi protocol",
    "proxy_redirect": "use 'proxy_pass' for the application's address; "
    "its redirects are right already, because it is told the real host and scheme",
    "server_names": "use 'server_name'",
}


def check_keys(given: Mapping[str, Any], spec: Mapping[str, Any] | None = None, where: str = "nginx_config") -> None:
    """Refuse keys that *spec* (default: that of nginx_config) does not have, with the nearest one, at any depth."""
    spec = ARGUMENT_SPEC if spec is None else spec
    for key, value in given.items():
        if key not in spec:
            near = difflib.get_close_matches(str(key), spec, n=1)
            hint = INSTEAD.get(key) or (f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(spec))}")
            raise ValueError(f"{where}: unknown option '{key}'; {hint}")
        options = spec[key].get("options")
        if options is None or value is None:
            continue
        for number, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, Mapping):
                name = item.get("name") or item.get("path") or number
                inner = f"{where}: {key}[{name}]" if isinstance(value, list) else f"{where}: {key}"
                check_keys(item, options, inner)


def check_generation(given: Mapping[str, Any]) -> None:
    """Refuse a return to another generation that is no number, or that is mixed with a change."""
    value = given.get("generation")
    if value is None:
        return
    if value != "previous" and not str(value).isdecimal():
        raise ValueError(
            f"nginx_config: generation '{value}' is neither a number nor 'previous'; nginx_info lists those kept"
        )
    for option in ("sites", "purge", "nginx_conf"):
        if given.get(option):
            raise ValueError(
                f"nginx_config: 'generation' returns to a configuration as it was: remove '{option}', "
                "or change it in a second task"
            )


def check_sites(sites: Iterable[Mapping[str, Any]]) -> None:
    """Refuse sites that nginx would accept and serve wrongly, or not serve at all."""
    seen: set[str] = set()
    owners: dict[tuple[str, str], str] = {}
    for site in sites:
        name = site["name"]
        if not SLUG.fullmatch(name):
            raise ValueError(
                f"site name '{name}' is not a slug: it becomes a file name, so use only a-z, 0-9, '-' and '_'"
            )
        if name in seen:
            raise ValueError(f"site '{name}' is listed twice: give each site its own name")
        seen.add(name)
        if site["state"] == "present":
            _check_site(site, f"site '{name}'")
            _check_owners(site, owners)


def ports(site: Mapping[str, Any]) -> set[str]:
    """The ports that *site* listens on, as strings."""
    return {listen.rpartition(":")[2] for listen in site["listen"] or ["80"]}


def _check_owners(site: Mapping[str, Any], owners: dict[tuple[str, str], str]) -> None:
    for server_name in [*site["server_name"], *site["redirect_from"]]:
        for port in sorted(ports(site)):
            other = owners.setdefault((server_name.lower(), port), site["name"])
            if other != site["name"]:
                raise ValueError(
                    f"server_name '{server_name}' is claimed by site '{other}' and by site '{site['name']}' "
                    f"on port {port}: nginx would ignore the second one; remove it from one of them"
                )


def _check_site(site: Mapping[str, Any], where: str) -> None:
    if not site["server_name"]:
        raise ValueError(f"{where}: server_name is missing: list the names it answers for, such as [www.example.com]")
    for option in ("server_name", "redirect_from"):
        for value in site[option]:
            if not SERVER_NAME.fullmatch(value):
                raise ValueError(
                    f"{where}: {option} '{value}' is not a host name: "
                    "no scheme, port or path; international names in their xn-- form"
                )
    names = [name.lower() for name in site["server_name"] + site["redirect_from"]]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{where}: server_name and redirect_from list '{twice[0]}' twice: remove one of the two")
    if site["redirect_from"] and "*" in site["server_name"][0] + site["server_name"][0][:1].replace(".", "*"):
        raise ValueError(
            f"{where}: redirect_from needs a plain first server_name to redirect to, not '{site['server_name'][0]}'"
        )
    for listen in site["listen"] or []:
        match = LISTEN.fullmatch(listen)
        if not match or not 0 < int(match["port"]) < 65536:
            raise ValueError(
                f"{where}: listen '{listen}' is not a port or address:port, such as '80', '[::]:80' or '192.0.2.1:8080'"
            )
    _check_pattern(site, where, "client_max_body_size", SIZE, "a size such as '20m', or '0' for no limit")
    check_snippet(site["snippet"], where)
    if not site["locations"]:
        raise ValueError(
            f"{where}: locations is missing: list at least {{path: /, proxy_pass: 'http://127.0.0.1:8000'}}"
        )
    paths: set[str] = set()
    for location in site["locations"]:
        _check_location(location, f"{where}, location '{location['path']}'")
        if location["path"] in paths:
            raise ValueError(f"{where}: two locations have the path '{location['path']}': merge them into one")
        paths.add(location["path"])


def _check_location(location: Mapping[str, Any], where: str) -> None:
    path = location["path"]
    if not path.startswith("/"):
        raise ValueError(f"{where}: path must start with '/'")
    _check_text(path, f"{where}: path")
    if (location["alias"] is None) == (location["proxy_pass"] is None):
        raise ValueError(f"{where}: give exactly one of 'alias' (files) and 'proxy_pass' (an application)")
    if location["alias"] is None:
        _check_proxied(location, where)
    else:
        _check_alias(location, where)
    _check_pattern(location, where, "client_max_body_size", SIZE, "a size such as '20m', or '0' for no limit")
    if location["cache_control"] is not None:
        _check_text(location["cache_control"], f"{where}: cache_control")
    check_snippet(location["snippet"], where)


def check_snippet(value: str | None, where: str, option: str = "snippet") -> None:
    """Refuse directives of which a brace, a quote or a semicolon would reach into what comes after them."""
    wrong = unfinished(value or "")
    if wrong:
        raise ValueError(f"{where}: {option} is not whole: {wrong}")


def _check_alias(location: Mapping[str, Any], where: str) -> None:
    path, alias = location["path"], location["alias"]
    _check_text(alias, f"{where}: alias")
    if not alias.startswith("/"):
        raise ValueError(
            f"{where}: alias '{alias}' is relative: nginx would look below its own prefix; give the absolute directory"
        )
    if path.endswith("/") != alias.endswith("/"):
        if alias.endswith("/"):
            what = f"nginx would serve '{path}../': add the slash to path"
        else:
            what = f"nginx would look for '{path}x' at '{alias}x': add the slash to alias"
        raise ValueError(f"{where}: path '{path}' and alias '{alias}' must both end with '/' or both not; {what}")
    if ".." in alias.split("/"):
        raise ValueError(f"{where}: alias '{alias}' contains '..': give the directory itself")
    proxied = ("websocket", "proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout", "client_max_body_size")
    _refuse_options(location, where, proxied, "alias", "proxy_pass")


def _check_proxied(location: Mapping[str, Any], where: str) -> None:
    value = location["proxy_pass"]
    _check_text(value, f"{where}: proxy_pass")
    match = PROXY_PASS.fullmatch(value)
    if not match:
        raise ValueError(
            f"{where}: proxy_pass '{value}' needs a scheme and an address, such as "
            "'http://127.0.0.1:8000' or 'http://unix:/run/app.sock'"
        )
    if match["scheme"] == "https":
        raise ValueError(
            f"{where}: proxy_pass '{value}' asks for TLS to the application, which is not supported: "
            "use 'http://' over the loopback, a unix socket or a private network"
        )
    if match["uri"]:
        raise ValueError(
            f"{where}: proxy_pass '{value}' has a URI part '{match['uri']}', which would replace the location's path "
            f"in every request; write '{value[: match.start('uri')]}'"
        )
    for option in ("proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout"):
        _check_pattern(location, where, option, TIME, "a time such as '60s'")
    _refuse_options(location, where, ("untrusted", "cache_control"), "proxy_pass", "alias")


def _refuse_options(location: Mapping[str, Any], where: str, options: Iterable[str], here: str, there: str) -> None:
    for option in options:
        if location[option]:
            raise ValueError(f"{where}: '{option}' has no effect with '{here}', only with '{there}': remove it")


def _check_pattern(values: Mapping[str, Any], where: str, option: str, pattern: re.Pattern[str], wanted: str) -> None:
    value = values[option]
    if value is not None and not pattern.fullmatch(value):
        raise ValueError(f"{where}: {option} '{value}' is not {wanted}")


def _check_text(value: str, where: str) -> None:
    if not value:
        raise ValueError(f"{where} is empty")
    if "$" in value:
        raise ValueError(
            f"{where} '{value}' contains '$', which nginx would read as a variable; it has no escape for it"
        )
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError(f"{where} {value!r} contains a control character")
