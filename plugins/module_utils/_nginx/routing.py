# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the server and the location for a request, as nginx chooses them by server_name and path."""

from __future__ import annotations

import re
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive

ANY = {"*": "127.0.0.1", "::": "::1"}
MODIFIED = re.compile(r"(=|\^~|~\*|~)(.+)", re.DOTALL)


@dataclass(frozen=True)
class Listen:
    """An address that a server listens on; *host* is ``*`` or ``::`` for all of the host's."""

    host: str
    port: str
    tls: bool
    default: bool
    server: Directive
    # Whether each connection has to say first whom it comes from.
    proxy_protocol: bool = False


def listens(tree: Directive) -> list[Listen]:
    """All that the servers listen on, in the order of the configuration. Unix sockets and QUIC are left out."""
    found = []
    for http in tree.children("http"):
        for server in http.children("server"):
            # The default port for root; for other users it is 8000.
            given = server.children("listen") or [Directive("listen", ("80",), server.path, server.line, server)]
            found += [_listen(one, server) for one in given if not one.args[0].startswith("unix:")]
    return [one for one in found if one is not None]


def _listen(directive: Directive, server: Directive) -> Listen | None:
    address, options = directive.args[0], directive.args[1:]
    if "quic" in options:
        return None
    match = re.fullmatch(r"(?:(\[[^\]]*\]|[^:\[\]]+?)(?::|$))?(\d+)?", address)
    host, port = ((match[1] or "*").strip("[]"), match[2] or "80") if match else (address, "80")
    if host.isdecimal() and match and not match[2]:
        host, port = "*", host
    old = server.inherited("ssl")
    return Listen(
        "*" if host == "0.0.0.0" else host.lower(),
        str(int(port)),
        "ssl" in options or (old is not None and old.args == ("on",)),
        "default_server" in options or "default" in options,
        server,
        "proxy_protocol" in options,
    )


def names(server: Directive) -> list[str]:
    """The server names of *server*, lowercased unless they are a regular expression."""
    words = [word for directive in server.children("server_name") for word in directive.args]
    known = [socket.gethostname() if word == "$hostname" else word for word in words]
    return [word if word.startswith("~") else word.lower() for word in known]


def at(known: Sequence[Listen], address: str, port: str) -> list[Listen]:
    """The servers among which nginx chooses for a connection to *address*: those of the address, else those of all."""
    everywhere = "::" if ":" in address else "*"
    on_port = [one for one in known if one.port == port]
    return [one for one in on_port if one.host == address] or [one for one in on_port if one.host == everywhere]


def reachable(known: Sequence[Listen], one: Listen, own: Collection[str]) -> str:
    """An address of this host, whose own are *own*, at which a connection gets to what *one* stands for."""
    if one.host not in ANY:
        return one.host
    mine = [ANY[one.host], *(address for address in own if (":" in address) == (one.host == "::"))]
    taken = {other.host for other in known if other.port == one.port}
    return next((address for address in mine if address not in taken), mine[0])


def server_for(group: Sequence[Listen], name: str) -> tuple[Listen | None, str | None]:
    """The server of *group* that gets a request for *name*, and the server name that matches, None for the default."""
    return ServerNames(group).find(name)


class ServerNames:
    """The server names of the servers in *group*, in lookup tables as nginx has them: a host has thousands of names."""

    def __init__(self, group: Sequence[Listen]) -> None:
        self.default = next((one for one in group if one.default), group[0] if group else None)
        self.exact: dict[str, tuple[str, Listen]] = {}
        # Wildcard names, by the part after the asterisk and by the part before it.
        self.suffixes: dict[str, tuple[str, Listen]] = {}
        self.prefixes: dict[str, tuple[str, Listen]] = {}
        self.expressions: list[tuple[str, Listen]] = []
        for one in group:
            for pattern in names(one.server):
                self._add(pattern, one)

    def _add(self, pattern: str, one: Listen) -> None:
        """Add a name. Of two servers with the same name, nginx uses the first."""
        if pattern.startswith("~"):
            self.expressions.append((pattern, one))
            return
        self.exact.setdefault(pattern, (pattern, one))
        if pattern.startswith(("*.", ".")):
            self.suffixes.setdefault(pattern.lstrip("*"), (pattern, one))
        elif pattern.endswith(".*"):
            self.prefixes.setdefault(pattern[:-1], (pattern, one))
        if pattern.startswith("."):
            self.exact.setdefault(pattern[1:], (pattern, one))

    def find(self, name: str) -> tuple[Listen | None, str | None]:
        """The server that gets a request for *name*, and the server name that matches, None for the default server."""
        name = name.rstrip(".").lower()
        dots = [position for position, letter in enumerate(name) if letter == "."]
        # The longest wildcard name wins, and one at the beginning before one at the end (ngx_http_find_virtual_server).
        tables = [
            (self.exact, [name]),
            (self.suffixes, [name[dot:] for dot in dots]),
            (self.prefixes, [name[: dot + 1] for dot in reversed(dots)]),
        ]
        for table, keys in tables:
            for key in keys:
                if key in table:
                    pattern, one = table[key]
                    return one, pattern
        for pattern, one in self.expressions:
            if matches(pattern[1:], name, re.IGNORECASE):
                return one, pattern
        return self.default, None


class Routing:
    """Answers server_for() and reachable() for the servers *known* of a host whose addresses are *own*.

    It goes through all servers once for each address, not for each request.
    """

    def __init__(self, known: Sequence[Listen], own: Collection[str]) -> None:
        self.known, self.own = known, own
        self._names: dict[tuple[str, str], ServerNames] = {}
        self._reachable: dict[tuple[str, str], str] = {}

    def server_for(self, address: str, port: str, name: str) -> tuple[Listen | None, str | None]:
        """The server that gets a request for *name* to that address, and the server name that matches."""
        key = address, port
        if key not in self._names:
            self._names[key] = ServerNames(at(self.known, address, port))
        return self._names[key].find(name)

    def reachable(self, one: Listen) -> str:
        """An address of this host at which *one* gets connections."""
        key = one.host, one.port
        if key not in self._reachable:
            self._reachable[key] = reachable(self.known, one, self.own)
        return self._reachable[key]


def is_named(patterns: Collection[str], name: str) -> bool:
    """Whether a server with the names *patterns* has *name*."""
    return any(_rank(pattern, name.rstrip(".").lower()) for pattern in patterns)


def _rank(pattern: str, name: str) -> tuple[int, int] | None:
    """How good a match *pattern* is, the best being the lowest; None where it is none."""
    if pattern in (name, f".{name}"):
        return 0, 0
    if pattern.startswith(("*.", ".")):
        return (1, -len(pattern.lstrip("*"))) if name.endswith(pattern.lstrip("*")) else None
    if pattern.endswith(".*"):
        return (2, -len(pattern)) if name.startswith(pattern[:-1]) else None
    return (3, 0) if pattern.startswith("~") and matches(pattern[1:], name, re.IGNORECASE) else None


def location_for(server: Directive, path: str) -> Directive:
    """The location of *server* that gets the decoded *path*, or the server itself."""
    return _location(server, path)[0] or server


def modifier(location: Directive) -> tuple[str, str]:
    """How *location* compares, and with what: ``=``, ``^~``, ``~``, ``~*``, ``@`` or nothing for a prefix."""
    *given, path = location.args or ("",)
    if given:
        return given[0], path
    if path.startswith("@"):
        return "@", path
    match = MODIFIED.fullmatch(path)
    return (match[1], match[2]) if match else ("", path)


def _location(block: Directive, path: str) -> tuple[Directive | None, bool]:
    """The location in *block*, and whether no regular expression of an outer block may take its place."""
    known = [(*modifier(one), one) for one in block.children("location")]
    for kind, text, one in known:
        if kind == "=" and text == path:
            return one, True
    prefixes = [found for found in known if found[0] in ("", "^~") and path.startswith(found[1])]
    best = max(prefixes, key=lambda found: len(found[1]), default=None)
    inside: Directive | None = None
    if best:
        inside, final = _location(best[2], path)
        if final:
            return inside, True
    if not best or best[0] != "^~":
        for kind, text, one in known:
            if kind in ("~", "~*") and matches(text, path, re.IGNORECASE if kind == "~*" else 0):
                return _location(one, path)[0] or one, True
    return inside or (best[2] if best else None), False


def matches(expression: str, text: str, flags: int = 0) -> bool:
    """Whether *text* matches a regular expression of nginx's, which are PCRE. One that Python cannot read does not."""
    try:
        return re.search(re.sub(r"\(\?<(?![=!])", "(?P<", expression), text, flags) is not None
    except re.error:
        return False
