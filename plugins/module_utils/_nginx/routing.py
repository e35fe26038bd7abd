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
    parsed = []
    for http in tree.children("http"):
        for server in http.children("server"):
            # The default port for root; for other users it is 8000.
            directives = server.children("listen") or [Directive("listen", ("80",), server.path, server.line, server)]
            on_network = (directive for directive in directives if not directive.args[0].startswith("unix:"))
            parsed += [_listen(directive, server) for directive in on_network]
    return [listen for listen in parsed if listen is not None]


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
    resolved = [socket.gethostname() if word == "$hostname" else word for word in words]
    # An IPv6 address has brackets in server_name, as in Host.
    plain = [word[1:-1] if word.startswith("[") and word.endswith("]") else word for word in resolved]
    return [word if word.startswith("~") else word.lower() for word in plain]


def listens_at(listens: Sequence[Listen], address: str, port: str) -> list[Listen]:
    """The servers among which nginx chooses for a connection to *address*: those of the address, else those of all."""
    everywhere = "::" if ":" in address else "*"
    on_port = [listen for listen in listens if listen.port == port]
    on_address = [listen for listen in on_port if listen.host == address]
    return on_address or [listen for listen in on_port if listen.host == everywhere]


def reachable(listens: Sequence[Listen], listen: Listen, addresses: Collection[str]) -> str:
    """The one of the host's *addresses* at which a connection gets to *listen*."""
    if listen.host not in ANY:
        return listen.host
    candidates = [ANY[listen.host], *(address for address in addresses if (":" in address) == (listen.host == "::"))]
    taken = {other.host for other in listens if other.port == listen.port}
    return next((address for address in candidates if address not in taken), candidates[0])


def server_for(group: Sequence[Listen], name: str) -> tuple[Listen | None, str | None]:
    """The server of *group* that gets a request for *name*, and the server name that matches, None for the default."""
    return ServerNames(group).find(name)


class ServerNames:
    """The server names of the servers in *group*, in lookup tables as nginx has them: a host has thousands of names."""

    def __init__(self, group: Sequence[Listen]) -> None:
        self.default = next((listen for listen in group if listen.default), group[0] if group else None)
        self.exact: dict[str, tuple[str, Listen]] = {}
        # Wildcard names, by the part after the asterisk and by the part before it.
        self.suffixes: dict[str, tuple[str, Listen]] = {}
        self.prefixes: dict[str, tuple[str, Listen]] = {}
        self.expressions: list[tuple[str, Listen]] = []
        for listen in group:
            for pattern in names(listen.server):
                self._add(pattern, listen)

    def _add(self, pattern: str, listen: Listen) -> None:
        """Add a name. Of two servers with the same name, nginx uses the first."""
        if pattern.startswith("~"):
            self.expressions.append((pattern, listen))
            return
        self.exact.setdefault(pattern, (pattern, listen))
        if pattern.startswith(("*.", ".")):
            self.suffixes.setdefault(pattern.lstrip("*"), (pattern, listen))
        elif pattern.endswith(".*"):
            self.prefixes.setdefault(pattern[:-1], (pattern, listen))
        if pattern.startswith("."):
            self.exact.setdefault(pattern[1:], (pattern, listen))

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
                    pattern, listen = table[key]
                    return listen, pattern
        for pattern, listen in self.expressions:
            if matches(pattern[1:], name, re.IGNORECASE):
                return listen, pattern
        return self.default, None


class Routing:
    """Answers server_for() and reachable() for all servers of a host that has *addresses*.

    It goes through all servers once for each address, not for each request.
    """

    def __init__(self, listens: Sequence[Listen], addresses: Collection[str]) -> None:
        self.listens, self.addresses = listens, addresses
        self._names: dict[tuple[str, str], ServerNames] = {}
        self._reachable: dict[tuple[str, str], str] = {}

    def server_for(self, address: str, port: str, name: str) -> tuple[Listen | None, str | None]:
        """The server that gets a request for *name* to that address, and the server name that matches."""
        key = address, port
        if key not in self._names:
            self._names[key] = ServerNames(listens_at(self.listens, address, port))
        return self._names[key].find(name)

    def reachable(self, listen: Listen) -> str:
        """An address of this host at which *listen* gets connections."""
        key = listen.host, listen.port
        if key not in self._reachable:
            self._reachable[key] = reachable(self.listens, listen, self.addresses)
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
    *modifiers, path = location.args or ("",)
    if modifiers:
        return modifiers[0], path
    if path.startswith("@"):
        return "@", path
    match = MODIFIED.fullmatch(path)
    return (match[1], match[2]) if match else ("", path)


def _location(block: Directive, path: str) -> tuple[Directive | None, bool]:
    """The location in *block*, and whether no regular expression of an outer block may take its place."""
    locations = [(*modifier(location), location) for location in block.children("location")]
    for kind, text, location in locations:
        if kind == "=" and text == path:
            return location, True
    prefixes = [entry for entry in locations if entry[0] in ("", "^~") and path.startswith(entry[1])]
    best = max(prefixes, key=lambda entry: len(entry[1]), default=None)
    inside: Directive | None = None
    if best:
        inside, final = _location(best[2], path)
        if final:
            return inside, True
    if not best or best[0] != "^~":
        for kind, text, location in locations:
            if kind in ("~", "~*") and matches(text, path, re.IGNORECASE if kind == "~*" else 0):
                return _location(location, path)[0] or location, True
    return inside or (best[2] if best else None), False


def matches(expression: str, text: str, flags: int = 0) -> bool:
    """Whether *text* matches a regular expression of nginx's, which are PCRE. One that Python cannot read does not."""
    try:
        return re.search(re.sub(r"\(\?<(?![=!])", "(?P<", expression), text, flags) is not None
    except re.error:
        return False
