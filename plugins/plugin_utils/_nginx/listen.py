# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Determine what the servers of a site listen on, and their TLS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.behind import fronting
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts, Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import listen_address


@dataclass(frozen=True)
class Tls:
    """The TLS of a site in nginx's terms."""

    mode: str
    listen: list[str]
    # The options of each listen, beside ``quic``.
    options: list[str]
    http2: bool
    http3: bool
    # The port for a URL, empty for the default one.
    suffix: str
    port: str
    certificate: str
    # The same file, except for a certificate of the host.
    key: str


def version_tuple(version: str | None) -> tuple[int, ...]:
    """A version as a tuple for comparisons, the empty one if it is unknown."""
    return tuple(int(part) for part in (version or "").split(".") if part)


def curves(host: NginxFacts) -> str:
    """The groups for the key exchange. OpenSSL 3.5 and newer support a post-quantum group.

    The question mark makes OpenSSL ignore an unknown group: otherwise nginx would not start after a downgrade.
    """
    known = ["X25519", "prime256v1", "secp384r1"]
    return ":".join(["?X25519MLKEM768", *known] if version_tuple(host["openssl_version"]) >= (3, 5) else known)


def addresses(given: list[str] | None, port: str, *, ipv6: bool) -> list[str]:
    """The normalised addresses that a site listens on; *ipv6* is whether the host has IPv6."""
    default = [port, f"[::]:{port}"] if ipv6 else [port]
    return [listen_address(address) for address in given or default]


def all_addresses(sites: Iterable[Site]) -> list[str]:
    """All that *sites* listen on, on a host of which nothing is known: as addresses, with ``/udp`` for HTTP/3."""
    found: list[str] = []
    for site in sites:
        if site["state"] == "present":
            found += addresses(site["listen"], "80", ipv6=True)
            encrypted = addresses(site["tls_listen"], "443", ipv6=True) if site["tls"] != "off" else []
            found += encrypted
            found += [f"{address}/udp" for address in encrypted if site["http3"]]
    return list(dict.fromkeys(found))


def tls(host: NginxFacts, site: Site) -> Tls | None:
    """The TLS of *site* in nginx's terms, None without TLS.

    Raises ValueError if the host's nginx does not support it.
    """
    if site["tls"] == "off":
        return None
    # Before 1.25.1 HTTP/2 is an option of listen. Without nginx (check mode) use the newer form.
    is_old = bool(host["version"]) and version_tuple(host["version"]) < (1, 25, 1)
    listen = addresses(site["tls_listen"], "443", ipv6=host["ipv6"])
    port = listen[0].rpartition(":")[2]
    if site["http3"] and host["installed"] and "--with-http_v3_module" not in host["configure_arguments"]:
        raise ValueError(
            f"site '{site['name']}': http3 is not supported by nginx {host['version']} on this host, which was "
            "built without it: remove http3"
        )
    installed = f"{host['conf_dir']}/gatehouse/certificates/{site['name']}.pem"
    certificate = (site["tls_certificate"] or "") if site["tls"] == "host" else installed
    return Tls(
        mode=site["tls"],
        listen=listen,
        options=[
            *(["ssl", "http2"] if is_old else ["ssl"]),
            *(["proxy_protocol"] if _has_proxy_protocol(site) else []),
        ],
        http2=not is_old,
        http3=site["http3"],
        suffix="" if port == "443" else f":{port}",
        port=port,
        certificate=certificate,
        key=(site["tls_key"] or certificate) if site["tls"] == "host" else installed,
    )


def _has_proxy_protocol(site: Site) -> bool:
    behind = fronting(site)
    return behind is not None and behind["proxy_protocol"]


def as_default(listen: list[list[str]]) -> list[list[str]]:
    """The parameters of each `listen` for a server that gets the requests for unknown host names.

    With QUIC it is also the one that has `reuseport`, as in default_server.tls_server.
    """
    return [[*parameters, *(["reuseport"] if "quic" in parameters else []), "default_server"] for parameters in listen]


def listen_parameters(listen: list[str], secure: Tls | None) -> list[list[str]]:
    """The parameters of each `listen`."""
    if secure is None:
        return [[address] for address in listen]
    quic = [[address, "quic"] for address in listen if secure.http3]
    return [[address, *secure.options] for address in listen] + quic
