# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work out what one host of an inventory does for a site: balance it, serve its apps behind balancers, or both at once.

Every function raises ValueError with a sentence that names the site, the option, the value and the remedy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import WEB_HOST_PORTS, is_address
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import SERVICE_TLS_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.upstreams import tls_name
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.addresses import address_of, ip_address_of
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import Groups, hosts_of, is_on
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import mounts

# What visitors meet first: the host that they connect to has these options alone. Of headers, an answer has each once.
WEB_OPTIONS = ("name", "server_name", "default", "symlinks", "pages")
# Both the balancer and the host behind it have these rules.
WEB_RULES = (
    *("buffering", "websocket", "client_max_body_size"),
    *("proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout"),
)
# By path: those of each app are on its hosts.
DIRECTORIES = ("static", "media", "protected_media")
PLAIN_PORT, TLS_PORT = WEB_HOST_PORTS
# What module service_certificate has made on a host, as the playbook `site` registers it.
CERTIFICATE = "__fleet_certificate"

Site = Mapping[str, Any]


@dataclass(frozen=True)
class Fleet:
    """The inventory, as *host* sees it."""

    host: str
    groups: Groups
    hostvars: Mapping[str, Any]
    # What was looked up, because templates of variables take time.
    found: dict[tuple[str, str], list[Site]] = field(default_factory=dict)
    known: dict[str, list[str]] = field(default_factory=dict)

    def entries(self, host: str, variable: str) -> list[Site]:
        """Return the apps or sites of a host; none if its *variable* is one that only its own play defines."""
        if (host, variable) not in self.found:
            try:
                given = plain(self.hostvars[host].get(variable))
            except AnsibleError:
                given = None
            entries = given if isinstance(given, list) else []
            self.found[host, variable] = [entry for entry in entries if isinstance(entry, Mapping)]
        return self.found[host, variable]

    def app(self, host: str, name: str) -> Site | None:
        """Return the entry of an app that *host* has."""
        apps = [app for app in self.entries(host, "django_apps") if app.get("name") == name]
        return apps[0] if apps and apps[0].get("state") != "absent" else None

    def hosts_of_app(self, name: str) -> list[str]:
        """Return the hosts that have the app, in the order of the inventory."""
        if name not in self.known:
            own, where = self.app(self.host, name), f"django_apps: app '{name}'"
            # All hosts have the same entry where it says itself for which hosts it is.
            hosts = hosts_of(own, self.groups, where) if own else None
            if hosts is None:
                apps = {host: self.app(host, name) for host in self.groups["all"]}
                hosts = [host for host, app in apps.items() if app and is_on(app, host, self.groups, where)]
            self.known[name] = hosts
        return self.known[name]

    def address(self, host: str, where: str) -> str:
        """Return the IP address of a host."""
        return ip_address_of(self.hostvars[host], host, where)

    def authority(self, host: str) -> str:
        """Return the authority of the certificate of a host, in PEM; empty if the run has not asked the host."""
        return str((self.hostvars[host].get(CERTIFICATE) or {}).get("authority") or "")

    def is_certified(self, host: str, site: Site) -> bool | None:
        """Return whether *host* has a certificate for the balancers of *site*; None if the run has not asked it."""
        names = (self.hostvars[host].get(CERTIFICATE) or {}).get("names")
        return None if names is None else tls_name(str(site.get("name"))) in names


def sites_of_host(sites: list[Any], fleet: Fleet) -> list[Any]:
    """Return the sites of one host, as role django_site takes them. *sites* are those of its inventory, unchecked."""
    found = [_of_host(site, fleet) if isinstance(site, Mapping) else site for site in sites]
    return [site for site in found if site is not None] + list(_behind_others(sites, fleet))


def _of_host(site: Site, fleet: Fleet) -> Site | None:
    where = _where(site)
    given = hosts_of(site, fleet.groups, where)
    apps = {prefix: name for prefix, name in mounts.applications(site).items() if isinstance(name, str)}
    kept = {key: value for key, value in site.items() if key != "hosts"}
    secure = _is_secure(site, where)
    if given is None and not any("hosts" in (fleet.app(fleet.host, name) or {}) for name in apps.values()):
        return site
    if site.get("state") == "absent":
        return kept if given is None or fleet.host in given else None
    hosts = {prefix: fleet.hosts_of_app(name) for prefix, name in apps.items()}
    # A site without hosts is where its own app is, or the apps below its prefixes.
    every = hosts.get(mounts.ROOT) or [host for some in hosts.values() for host in some]
    own = given if given is not None else [host for host in fleet.groups["all"] if host in every]
    for prefix, name in apps.items():
        _refuse_overlap(where, name, own, hosts[prefix])
        if hosts[prefix] and not set(own) <= set(hosts[prefix]):
            # All hosts refuse an address that only the others need: a part of them must not go on alone.
            for host in [*own, *hosts[prefix]]:
                fleet.address(host, where)
    if fleet.host in own:
        groups = {name: hosts[prefix] for prefix, name in apps.items() if fleet.host not in hosts[prefix]}
        if groups:
            # Elsewhere it has no effect, and the role refuses it.
            kept.pop("upstream_tls", None)
        return kept | _upstreams(site, groups, fleet, secure=secure) | _acme_peers(site, own, fleet)
    here = {prefix: name for prefix, name in apps.items() if fleet.host in hosts[prefix]}
    balancers = [host for host in own if any(host not in hosts[prefix] for prefix in here)]
    if here and balancers:
        part = _behind(site, here, [fleet.address(host, where) for host in balancers])
        known = fleet.is_certified(fleet.host, site)
        # It goes on accepting TLS: a balancer may still use it. In check mode, the certificate may not exist yet.
        return {**part, **(_web_tls() if known or (secure and known is None) else {})}
    # The host may have had the site before.
    return {"name": site.get("name"), "state": "absent"}


def _behind_others(sites: list[object], fleet: Fleet) -> Iterator[Site]:
    """Yield the sites that only other hosts list, for apps of this host that none of its own *sites* serves."""
    served = {name for site in mounts.present(sites) for name in mounts.applications(site).values()}
    apps = [app.get("name") for app in fleet.entries(fleet.host, "django_apps") if app.get("state") != "absent"]
    names = {site.get("name") for site in sites if isinstance(site, Mapping)}
    missing = set(apps) - served
    for host in fleet.groups["all"] if missing else ():
        for site in mounts.present(fleet.entries(host, "django_sites")) if host != fleet.host else ():
            if site.get("hosts") and site.get("name") not in names and missing & {*mounts.applications(site).values()}:
                names.add(site.get("name"))
                found = _of_host(site, fleet)
                if found and found.get("state") != "absent":
                    yield found


def _refuse_overlap(where: str, app: str, own: list[str], hosts: list[str]) -> None:
    both = [host for host in own if host in hosts]
    if both and len(both) < len(own):
        raise ValueError(
            f"{where}: host '{both[0]}' is one of the hosts of the site and of app '{app}', and host "
            f"'{next(host for host in own if host not in hosts)}' is not: a balancer has the site alone. Remove "
            f"'{both[0]}' from the hosts of one of the two. Nothing was changed."
        )


def _is_secure(site: Site, where: str) -> bool:
    given = site.get("upstream_tls")
    if given is not None and not isinstance(given, bool):
        raise ValueError(f"{where}: upstream_tls must be true or false, not '{given}'. Nothing was changed.")
    return given is not False


def _upstreams(site: Site, groups: Mapping[str, list[str]], fleet: Fleet, *, secure: bool) -> dict[str, object]:
    """Return the options with the addresses of the hosts of each app, and the authorities of their certificates."""
    upstreams: dict[str, list[str]] = {}
    authorities: dict[str, dict[str, str]] = {}
    for name, hosts in groups.items():
        if not hosts:
            continue
        # In check mode, the certificates may not exist yet.
        encrypts = secure and not all(fleet.is_certified(host, site) is False for host in hosts)
        port = TLS_PORT if encrypts else PLAIN_PORT
        addresses = {host: bracketed(fleet.address(host, _where(site))) for host in hosts}
        servers = {f"{address}:{port}": fleet.authority(host) for host, address in addresses.items()}
        upstreams[name] = list(servers)
        if encrypts:
            authorities[name] = servers
    found = {"upstreams": upstreams, "upstream_authorities": authorities}
    return {option: value for option, value in found.items() if value}


def _web_tls() -> dict[str, str]:
    """Return the TLS options of a host behind balancers: the certificate is the one of module service_certificate."""
    pair = f"{SERVICE_TLS_DIRECTORY}/web/server"
    return {"tls": "host", "tls_certificate": f"{pair}.crt", "tls_key": f"{pair}.key"}


def _acme_peers(site: Site, own: list[str], fleet: Fleet) -> dict[str, Any]:
    """Return the option with the other hosts of the site, which may have the challenge of an authority."""
    listen = site.get("listen")
    port = str(listen[0]).rpartition(":")[2] if isinstance(listen, list) and listen else PLAIN_PORT
    addresses = [address_of(fleet.hostvars[host], host) for host in own if host != fleet.host]
    peers = [f"{bracketed(address)}:{port}" for address in addresses if is_address(address)]
    return {"acme_peers": peers} if peers and not site.get("acme_peers") else {}


def _behind(site: Site, here: Mapping[str, str], balancers: list[str]) -> Site:
    """Return the part of a site that a host serves to its balancers, with the apps that it has."""
    prefixes = mounts.applications(site)

    def is_here(path: object) -> bool:
        return mounts.owner({prefix: str(app) for prefix, app in prefixes.items()}, str(path)) in here

    found = {key: site[key] for key in (*WEB_OPTIONS, *WEB_RULES) if site.get(key) is not None}
    for option in DIRECTORIES:
        if isinstance(site.get(option), Mapping):
            found[option] = {path: value for path, value in site[option].items() if is_here(path)}
    if site.get("websocket_paths"):
        found["websocket_paths"] = [path for path in site["websocket_paths"] if is_here(path)]
    if isinstance(site.get("paths"), Mapping):
        rules = {path: _web_rules(given) for path, given in site["paths"].items() if is_here(path)}
        found["paths"] = {path: given for path, given in rules.items() if given}
    if mounts.ROOT in here:
        found["app"] = here[mounts.ROOT]
    mounted = {prefix: app for prefix, app in here.items() if prefix != mounts.ROOT}
    if mounted:
        found["mounts"] = mounted
    return found | {"tls": "off", "behind": {"addresses": balancers, "balancers": True}}


def _web_rules(given: object) -> object:
    """Return those of the rules of a path that hold behind a balancer as well; what is no dictionary stays."""
    return {key: given[key] for key in given if key in WEB_RULES} if isinstance(given, Mapping) else given


def _where(site: Site) -> str:
    return f"django_sites: site '{site.get('name')}'"


def bracketed(address: str) -> str:
    """Return an address as nginx and URLs need it before a port."""
    return f"[{address}]" if ":" in address else address
