# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attribute nginx's errors: to a site and its option, to a file that Gatehouse does not manage, or to a port."""

from __future__ import annotations

import re

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import Generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import LOCATION, SITE

# Comments of the templates around an operator's own directives.
SNIPPET_BEGIN, SNIPPET_END = "# Option 'snippet':", "# End of option 'snippet'."
# Directives in the templates that come from an option with another name.
OPTION_OF_DIRECTIVE = {
    "server": "proxy_pass",
    "add_header": "cache_control",
    "return": "redirect_from",
    "limit_req": "rate",
    "limit_conn": "connections",
    "auth_basic": "basic_auth",
    "auth_basic_user_file": "basic_auth",
    "proxy_buffering": "buffering",
}


def origin(line: str, conf_dir: str, candidate: Generation) -> str:
    """The option or file that a message of nginx comes from, in one sentence; empty if it is unknown."""
    bind_failure = re.search(r"bind\(\) to \S*?:(\d+) failed", line)
    if bind_failure:
        return _origin_of_port(bind_failure[1], candidate)
    match = re.search(r" in (/\S+):(\d+)", line)
    if match and "a duplicate default server for" in line:
        sites = [name for name, site in candidate.sites.items() if site.get("default")]
        return (
            f"Only one server of an address gets the requests for unknown host names, and site '{', '.join(sites)}' "
            f"has default: true. Remove 'default_server' from the other server (grep -rn default_server {conf_dir}), "
            "or the option from the site."
        )
    zone = re.search(r'zero size shared memory zone "([^"]+)"', line)
    if zone:
        return _origin_of_zone(zone[1], candidate)
    if not match:
        return _origin_of_missing_path(line, candidate)
    path, number = match[1], int(match[2])
    own_path = re.search(rf"^{re.escape(conf_dir)}/gatehouse/(?:live|generations/\d+)/(.+)$", path)
    if not own_path:
        return f"Gatehouse does not manage {path}: correct line {number} there."
    return _origin_in_generation(own_path[1], number, candidate)


def _origin_in_generation(path: str, number: int, candidate: Generation) -> str:
    site = re.search(r"^sites/(.+)\.conf$", path)
    if site:
        text = candidate.files.get(path, "")
        record = candidate.sites.get(site[1])
        files = record["tls"].get("files", []) if record and "tls" in record else []
        line = text.splitlines()[number - 1] if number <= text.count("\n") else ""
        named = re.match(r"    ssl_(certificate(?:_key)?) \"?(/.*?)\"?;$", line)
        if named and named[2] in files:
            return f"This comes from site '{site[1]}', option 'tls_{named[1].removeprefix('certificate_')}'."
        return f"This comes from site '{site[1]}', {_option(text, number)}."
    return "This comes from nginx_conf, option 'http_snippet'." if path == "nginx.conf" else ""


def _origin_of_missing_path(line: str, candidate: Generation) -> str:
    """Find the line with the path that nginx cannot open: the message contains neither file nor line."""
    missing = re.search(r'"(/[^"]+)"', line)
    for path, text in sorted(candidate.files.items()):
        for number, written in enumerate(text.splitlines(), 1):
            if missing and re.search(rf"[\s\"']{re.escape(missing[1])}[\s\"';]", written):
                return _origin_in_generation(path, number, candidate)
    return ""


def _origin_of_zone(zone: str, candidate: Generation) -> str:
    """Find the line that uses a zone which no directive defines: the message contains neither file nor line."""
    for path, text in sorted(candidate.files.items()):
        for number, written in enumerate(text.splitlines(), 1):
            if re.search(rf"(?:=|\s|[\"']){re.escape(zone)}[\s\"';]", written):
                found = _origin_in_generation(path, number, candidate)
                return f"{found} Define the zone in nginx_conf, option 'http_snippet', or remove the line.".strip()
    return ""


def _option(text: str, number: int) -> str:
    """The option that line *number* of a site's file comes from, and its location."""
    lines = text.splitlines()[:number]
    if lines and "/gatehouse/certificates/" in lines[-1]:
        return "option 'tls'"
    directive = re.match(r"\s*(\w*)", lines[-1])[1] if lines else ""  # type: ignore[index]
    option = OPTION_OF_DIRECTIVE.get(directive, directive)
    where = ""
    for line in reversed(lines):
        location = re.match(r" {4}location (?:(?:=|\^~) )?\"?(/.*?)\"? \{$", line)
        if location:
            where = f" of location '{location[1]}'"
        if location or line in ("    }", "server {"):
            break
    marks = [line.strip() for line in lines if line.strip() in (SNIPPET_BEGIN, SNIPPET_END)]
    if marks and marks[-1] == SNIPPET_BEGIN:
        return f"option 'snippet'{where}"
    if directive == "location" and where:
        return f"option 'path'{where}"
    # A directive that comes from no option is part of a snippet.
    known = option in LOCATION if where else option in SITE or option == "proxy_pass"
    return f"option '{option if known else 'snippet'}'{where}"


def _origin_of_port(port: str, candidate: Generation) -> str:
    sites = [
        name
        for name, site in candidate.sites.items()
        if any(address.rpartition(":")[2] == port for address in site["listen"])
    ]
    if sites:
        return f"Port {port} comes from option 'listen' of site {', '.join(sites)}."
    secured = {name: site["tls"]["listen"] for name, site in candidate.sites.items() if "tls" in site}
    sites = [name for name, listen in secured.items() if any(one.rpartition(":")[2] == port for one in listen)]
    return f"Port {port} comes from option 'tls_listen' of site {', '.join(sites)}." if sites else ""


def conflicting_names(lines: list[str], candidate: Generation) -> list[str]:
    """The server names of our sites that another server block has as well, so that nginx would ignore one of them."""
    names = {
        match[1].lower() for match in (re.search(r'conflicting server name "([^"]*)"', line) for line in lines) if match
    }
    ours = {name.lower() for site in candidate.sites.values() for name in site["server_name"]}
    return sorted(names & ours)


def name_conflict(name: str, dump: str, conf_dir: str, candidate: Generation) -> str:
    """The sentence about a server name that both one of our sites and another file use."""
    sites = [site for site, claims in candidate.sites.items() if name in map(str.lower, claims["server_name"])]
    elsewhere = ", ".join(_other_servers(dump, conf_dir, name)) or "another server block of this host"
    return (
        f"server_name {name} of site {', '.join(sites)} is already served by {elsewhere}: "
        "nginx would ignore one of the two. Remove it from one of them."
    )


def _other_servers(dump: str, conf_dir: str, name: str) -> list[str]:
    """The places (``path:line``) where other files in an ``nginx -T`` dump use the server name *name*."""
    found = []
    parts = re.split(r"^# configuration file (.+):\n", dump, flags=re.MULTILINE)
    for path, text in zip(parts[1::2], parts[2::2], strict=True):
        if path.startswith(f"{conf_dir}/gatehouse/"):
            continue
        for directive in re.finditer(r"^[^#\n]*?\bserver_name\s([^;]*);", text, re.MULTILINE):
            if name in (word.strip("\"'").lower() for word in directive[1].split()):
                found.append(f"{path}:{text.count(chr(10), 0, directive.start(1) - 1) + 1}")
    return found
