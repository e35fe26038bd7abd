# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the TLS options of a site, and determine the names that its certificate needs.

The checks raise ValueError with one sentence that names the option, the value and the remedy.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.behind import fronting
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import check_text, shown

# RFC 6797, 6.1, as browsers' preload lists want it written.
HSTS = re.compile(r"max-age=([0-9]{1,10})(; includeSubDomains(; preload)?)?")
PRELOAD_MAX_AGE = 31_536_000  # seconds; what the preload list asks for (hstspreload.org)
HEADER = re.compile(r"[A-Za-z0-9-]+")
# Headers that have an option of their own, or that nginx or the application sets.
RESERVED_HEADERS = {
    "strict-transport-security": "use the option 'hsts'",
    "alt-svc": "use the option 'http3'",
    "cache-control": "use the location's 'cache_control'; the application sets its own",
    "x-content-type-options": "Gatehouse sets it for files, and Django sets it for its pages",
    "content-type": "nginx and the application set it",
    "content-length": "nginx and the application set it",
    "set-cookie": "the application sets it",
    "www-authenticate": "use the option 'basic_auth'; the application sets its own",
    **dict.fromkeys(("server", "date", "connection", "keep-alive", "transfer-encoding"), "nginx sets it"),
    **dict.fromkeys(("content-encoding", "content-range", "accept-ranges", "etag", "last-modified"), "nginx sets it"),
    **dict.fromkeys(("location", "x-cache"), "nginx and the application set it"),
}


def check_tls(site: Site, where: str) -> None:
    """Refuse TLS options that contradict each other, and names that a certificate cannot contain."""
    mode = site["tls"]
    if mode == "off":
        # The certificate may be that of a balancer in front of nginx.
        hsts = None if fronting(site) else site["hsts"]
        for option, value in (("tls_listen", site["tls_listen"]), ("hsts", hsts), ("http3", site["http3"])):
            if value:
                raise ValueError(f"{where}: '{option}' has no effect with tls 'off': choose another tls, or remove it")
    if mode in ("files", "host") and not site["tls_certificate"]:
        machine = "host" if mode == "host" else "controller"
        raise ValueError(f"{where}: tls '{mode}' needs tls_certificate: the path of the certificate on the {machine}")
    for option, path in (("tls_certificate", site["tls_certificate"]), ("tls_key", site["tls_key"])):
        if path and mode not in ("files", "host"):
            raise ValueError(
                f"{where}: '{option}' has no effect with tls '{mode}', only with 'files' and 'host': remove it"
            )
        if path and mode == "host":
            _check_host_path(path, f"{where}: {option} {shown(path)}")
    if mode == "acme":
        _check_acme(site, where)
    elif not (mode == "off" or _is_web_host(site) or required_names([*site["server_name"], *site["redirect_from"]])):
        name = site["server_name"][0]
        raise ValueError(f"{where}: a certificate cannot be issued for server_name '{name}': add another name")
    check_hsts(site["hsts"], where)
    for name, value in site["headers"].items():
        _check_header(str(name), value, where)


def _is_web_host(site: Site) -> bool:
    """Whether the certificate is for balancers, and not for visitors."""
    behind = fronting(site)
    return behind is not None and behind["balancers"]


def _check_host_path(path: str, where: str) -> None:
    try:
        check_text(path)
    except ValueError as reason:
        raise ValueError(f"{where} {reason}") from reason
    if not path.startswith("/"):
        raise ValueError(f"{where} is relative: with tls 'host' give the absolute path on the host")


def _check_acme(site: Site, where: str) -> None:
    for option, names in (("server_name", site["server_name"]), ("redirect_from", site["redirect_from"])):
        for name in names:
            if is_address(name.strip("[]")):
                raise ValueError(
                    f"{where}: {option} '{name}' is an IP address: certbot requests certificates for host names "
                    "only; use tls 'self_signed'"
                )
    plain = site["listen"]
    if plain and not any(address.rpartition(":")[2].lstrip("0") == "80" for address in plain):
        raise ValueError(
            f"{where}: listen {', '.join(plain)} does not include port 80, "
            "where the authority requests its challenge: add it"
        )


def check_hsts(value: str | None, where: str) -> None:
    """Refuse a header that browsers or the preload list would not accept."""
    if value is None:
        return
    match = HSTS.fullmatch(value)
    if not match:
        raise ValueError(
            f"{where}: hsts {shown(value)} is not valid: use 'max-age=300', 'max-age=31536000; includeSubDomains' "
            "or 'max-age=31536000; includeSubDomains; preload', with a number of seconds of your own"
        )
    if match[3] and int(match[1]) < PRELOAD_MAX_AGE:
        raise ValueError(f"{where}: hsts {shown(value)} sets preload, which needs max-age={PRELOAD_MAX_AGE} or more")


def _check_header(name: str, value: object, where: str) -> None:
    if not HEADER.fullmatch(name):
        raise ValueError(f"{where}: headers: {shown(name)} is not a valid header name")
    if name.lower() in RESERVED_HEADERS:
        raise ValueError(f"{where}: headers: '{name}' cannot be set here: {RESERVED_HEADERS[name.lower()]}")
    if not isinstance(value, str):
        raise ValueError(f"{where}: headers: the value of '{name}' must be a string: quote it")
    try:
        check_text(value)
    except ValueError as reason:
        raise ValueError(f"{where}: headers: the value of '{name}' {reason}") from reason


def is_address(name: str) -> bool:
    """Whether *name* is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def required_names(server_names: Iterable[str]) -> list[str]:
    """The names that a certificate needs for *server_names*; none for ``www.example.*``, which it cannot contain."""
    names: list[str] = []
    for name in (name.lower() for name in server_names):
        if name.startswith("["):
            names.append(name[1:-1])
        elif name.startswith("."):
            names += [name[1:], f"*{name}"]
        elif not name.endswith(".*"):
            names.append(name)
    return list(dict.fromkeys(names))


def is_covered(name: str, certified: Collection[str]) -> bool:
    """Whether a certificate for *certified* covers *name*: a wildcard stands for one label (RFC 6125, 6.4)."""
    name = name.lower()
    if name in certified:
        return True
    _label, dot, parent = name.partition(".")
    return bool(dot) and not is_address(name) and not name.startswith("*") and f"*.{parent}" in certified


def uncovered(server_names: Collection[str], certified: Collection[str]) -> list[str]:
    """Those of *server_names* that a certificate for *certified* does not cover."""
    return [
        name
        for name in server_names
        if not (required := required_names([name])) or not all(is_covered(one, certified) for one in required)
    ]
