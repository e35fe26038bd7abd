# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the values of a site's options: refuse what nginx would refuse or would read with another meaning.

Every function raises ValueError with the end of a sentence; the caller adds the site and the option before it.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Callable

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.path_patterns import check_no_pattern

# RFC 1123 host names, and the underscore, which some internal names contain.
LABEL = r"(?!-)(?=[_-]*[A-Za-z0-9])[A-Za-z0-9_-]{1,63}(?<!-)"
HOST = rf"{LABEL}(?:\.{LABEL})*"
HOST_NAME = re.compile(HOST)
# ngx_http_core_module, server_name: a wildcard stands for whole labels, at one end.
SERVER_NAME = re.compile(rf"(?:\*\.|\.)?{HOST}|{HOST}\.\*")
NAME_LENGTH = 253
PORT = re.compile(r"[0-9]{1,5}")
SIZE = re.compile(r"([0-9]+)([kKmMgG]?)")
TIME = re.compile(r"([0-9]+)(ms|s|m|h|d)?")
UNITS = {"": 0, "k": 10, "m": 20, "g": 30}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SMALLEST_BODY = 1024  # bytes; a number without a unit is often meant to be megabytes
LARGEST_SIZE = 2**63 - 1  # off_t
LONGEST_TIME = 2**31 - 1  # milliseconds; ngx_msec_int_t where it is 32 bits wide
PROXY_PASS = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:unix:(?P<socket>[^:]*)|(?P<host>\[[^\]]*\]|[^][:/?#]+)(?::(?P<port>[^/?#]*))?)"
    r"(?P<uri>.*)",
    re.DOTALL,
)
SOCKET_LENGTH = 107  # bytes; unix(7)
TEXT_LENGTH = 1000  # bytes; nginx allows 4096 for one parameter, including quotes and escapes
NEVER_MATCHED = re.compile(r"//|/\.\.?(?:/|$)|%[0-9A-Fa-f]{2}|\?")
# As in templates/server.conf.j2
DOTFILE = re.compile(r"/\.(?!well-known(?:/|$))")
# The locations of templates/server.conf.j2.
RESERVED = ("/gatehouse-pages", "/gatehouse-bad-request")


def shown(value: str) -> str:
    """Quote *value* for a message: on one line, and shortened if it is long."""
    value = value if len(value) <= 200 else f"{value[:200]}..."
    return f"'{value}'" if value.isprintable() else repr(value)


def check_value(check: Callable[[str], object], where: str, option: str, value: str | None) -> None:
    """Call *check* with the value if it was given, and complete the sentence of its ValueError."""
    if value is not None:
        try:
            check(value)
        except ValueError as reason:
            raise ValueError(f"{where}: {option} {shown(value)} {reason}") from reason


def check_server_name(value: str) -> None:
    """Refuse a value that is neither a host name, nor a wildcard name, nor an address as clients send it."""
    if value.startswith("[") and _is_address(value):
        return
    if not SERVER_NAME.fullmatch(value) or len(value) > NAME_LENGTH:
        raise ValueError(
            "is not a host name: it must have no scheme, port or path; an IPv6 address is written like '[2001:db8::1]'"
        )


def claims(server_name: str) -> list[str]:
    """The entries of *server_name* in nginx's table of names: ``.a.example`` has two."""
    name = server_name.lower()
    return [name[1:], f"*{name}"] if name.startswith(".") else [name]


def listen_address(value: str) -> str:
    """Normalise the address *value*, so that nginx never listens twice on the same one."""
    host, colon, port = value.rpartition(":")
    if _is_port(port):
        port = str(int(port))
        if host in ("*", "0.0.0.0") or not colon:
            return port
        if host.startswith("[") and _is_address(host):
            return f"[{ipaddress.IPv6Address(host[1:-1])}]:{port}"
        if _is_address(host):
            return f"{host}:{port}"
        if _is_host_name(host):
            raise ValueError(
                "has a host name, which nginx would have to resolve before it can start: use the IP address"
            )
    raise ValueError("is not a port or address:port, such as '80', '[::]:80' or '192.0.2.1:8080'")


def check_size(value: str) -> None:
    """Refuse a value that is not a size, or is larger than nginx supports."""
    match = SIZE.fullmatch(value)
    if not match:
        raise ValueError("is not a size such as '20m', or '0' for no limit")
    if not match[2] and 0 < int(match[1]) < SMALLEST_BODY:
        raise ValueError(
            f"is {int(match[1])} bytes, which no form fits into: did you mean '{int(match[1])}m'? '0' means no limit"
        )
    if int(match[1]) << UNITS[match[2].lower()] > LARGEST_SIZE:
        raise ValueError("is larger than nginx supports: use '0' for no limit")


def check_time(value: str) -> None:
    """Refuse a value that is not a time, is zero, or is longer than nginx supports."""
    match = TIME.fullmatch(value)
    if not match:
        raise ValueError("is not a time such as '60s'")
    if milliseconds(value) == 0:
        raise ValueError("would time out at once: nginx has no unlimited timeout; use a long one such as '1d'")
    if milliseconds(value) > LONGEST_TIME:
        raise ValueError("is longer than nginx supports on every platform: use at most '24d'")


def milliseconds(value: str) -> int:
    """A time in milliseconds."""
    match = TIME.fullmatch(value)
    if match is None:
        raise ValueError(f"'{value}' is no time")
    return int(match[1]) * (1 if match[2] == "ms" else 1000 * SECONDS[match[2] or "s"])


def check_text(value: str) -> None:
    """Refuse text that nginx would not read literally as one parameter."""
    if not value:
        raise ValueError("is empty")
    if "$" in value:
        raise ValueError("contains '$', which nginx would read as a variable and which cannot be escaped: remove it")
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("contains a control character")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise ValueError("contains a byte that is not UTF-8")
    if len(value.encode()) > TEXT_LENGTH:
        raise ValueError(f"is longer than {TEXT_LENGTH} bytes: shorten it, nginx limits the length of a parameter")


def check_path(value: str) -> None:
    """Refuse paths that never match a request, and the reserved ones."""
    check_text(value)
    if not value.startswith("/"):
        raise ValueError("must start with '/'")
    check_no_pattern(value)
    if NEVER_MATCHED.search(value):
        raise ValueError(
            "never matches a request: nginx first removes the query ('?'), decodes '%20', merges '//' and resolves '.' "
            "and '..'; write the path as it is after these steps"
        )
    for reserved in RESERVED:
        if f"{value}/".startswith(f"{reserved}/"):
            raise ValueError(f"is reserved: Gatehouse itself uses '{reserved}'; choose another path")


def check_file_path(value: str) -> None:
    """Refuse a path of files that nginx would not publish."""
    if DOTFILE.search(value):
        raise ValueError(
            "has a part that starts with '.': nginx answers such paths of files with 404, except /.well-known/"
        )


def check_alias(value: str) -> None:
    """Refuse a path that is not absolute or normal, and the root of the file system."""
    check_text(value)
    if not value.startswith("/"):
        raise ValueError("is relative: nginx would resolve it below its own prefix; give the absolute directory")
    if ".." in value.split("/"):
        raise ValueError("contains '..': give the path without it")
    if not posixpath.normpath(value).strip("/"):
        raise ValueError(
            "is the root of the file system: anyone could download every file that nginx can read; "
            "choose a directory that contains only files to publish"
        )


def check_proxy_pass(value: str) -> None:
    """Refuse a value that is not the address of one HTTP application."""
    check_text(value)
    match = PROXY_PASS.fullmatch(value)
    if not match:
        raise ValueError(
            "needs a scheme and an address, such as 'http://127.0.0.1:8000' or 'http://unix:/run/app.sock'"
        )
    if match["scheme"] == "https":
        raise ValueError(
            "uses TLS to the application, which is not supported: "
            "use 'http://' over loopback, a unix socket or a private network"
        )
    if match["socket"] is not None:
        _check_socket(match["socket"])
    elif not _is_address(match["host"]) and not _is_host_name(match["host"]):
        raise ValueError(f"has an invalid host '{match['host']}': use a host name or an IP address")
    elif match["port"] is not None and not _is_port(match["port"]):
        raise ValueError(f"has an invalid port '{match['port']}': use a number from 1 to 65535")
    if match["uri"]:
        raise ValueError(
            f"has a URI part '{match['uri']}', which would replace the location's path "
            f"in every request; write '{value[: match.start('uri')]}'"
        )


def _check_socket(path: str) -> None:
    if not path.startswith("/") or path.endswith("/"):
        raise ValueError("needs the absolute path of a socket, such as 'http://unix:/run/app.sock'")
    if len(path.encode()) > SOCKET_LENGTH:
        raise ValueError(f"has a socket path of more than {SOCKET_LENGTH} bytes, the limit on Linux: shorten it")


def _is_port(text: str) -> bool:
    return PORT.fullmatch(text) is not None and 0 < int(text) < 65536


def _is_address(host: str) -> bool:
    try:
        if host.startswith("[") and host.endswith("]"):
            # nginx supports no zone ('%eth0'), and IPv4-mapped addresses are refused.
            address = ipaddress.IPv6Address(host[1:-1])
            return address.scope_id is None and address.ipv4_mapped is None
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _is_host_name(host: str) -> bool:
    return bool(HOST_NAME.fullmatch(host)) and len(host) <= NAME_LENGTH and not _ends_in_number(host)


def _ends_in_number(host: str) -> bool:
    # The C library reads '8000' and '1.2.3' as IPv4 addresses: 0.0.31.64 and 1.2.0.3.
    return re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]*", host.rpartition(".")[2]) is not None
