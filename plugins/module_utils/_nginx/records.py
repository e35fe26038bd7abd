# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records that action plugin and module exchange as JSON, and those of a generation's state.json.

They are dicts at run time: each comes from an argument spec, from the other half, or from a file.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class NginxFacts(TypedDict):
    """The nginx of a host, as module nginx_info returns it."""

    installed: bool
    # The path of the binary, None without nginx.
    path: str | None
    version: str | None
    configure_arguments: list[str]
    conf_path: str
    conf_dir: str
    pid_path: str
    error_log_path: str
    user: str
    openssl_version: str | None
    gzip_static: bool
    brotli_static: bool
    ipv6: bool
    # The files that each worker can have open.
    open_files: int
    # The longest queue of new connections that the kernel keeps for a socket.
    somaxconn: int


class LinkPolicy(TypedDict):
    """How nginx handles symbolic links of an alias: the mode, and the part of the path that only root can change."""

    mode: str
    trusted: str


class HostAnswer(NginxFacts):
    """The host's answer to the action plugin, which renders for it."""

    # The names for which an authority's certificate is installed, by site.
    certified: NotRequired[dict[str, list[str]]]
    # By alias.
    symlinks: dict[str, LinkPolicy]


class Rules(TypedDict):
    """The options that a site and its locations share, as ``spec.RULES`` validates them. None: inherited."""

    rate: str | None
    burst: int | None
    connections: int | None
    allow: list[str] | None
    deny: list[str] | None
    # Passwords or their hashes, by user.
    basic_auth: dict[str, str] | None
    page_cache: str | None
    buffering: bool | None
    websocket: bool | None
    client_max_body_size: str | None
    proxy_connect_timeout: str | None
    proxy_send_timeout: str | None
    proxy_read_timeout: str | None


class Location(Rules):
    """A location, as ``spec.LOCATION`` validates it."""

    path: str
    alias: str | None
    proxy_pass: str | None
    internal: bool
    # The proxy_pass of the application whose responses may lead there, None for those of each application.
    sent_by: str | None
    # Whether the servers of the upstream group have files there, of which one may lack some.
    files: bool
    untrusted: bool
    symlinks: str
    cache_control: str | None
    snippet: str | None


class Behind(TypedDict):
    """What stands in front of nginx, as ``spec.BEHIND`` validates it."""

    addresses: list[str] | None
    # The header with the visitor's address, None for the default one.
    header: str | None
    proxy_protocol: bool
    # The scheme of all visitors' requests, None where the balancer says it for each.
    scheme: str | None
    # Whether these are balancers of Gatehouse: nginx serves only these, and gives requests back that it cannot serve.
    balancers: bool


class SiteOptions(Rules):
    """The options of a site, as ``spec.SITE`` validates them, without its locations.

    ``server_name`` is None until check_sites has refused a present site without it.
    """

    name: str
    state: str
    server_name: list[str]
    listen: list[str] | None
    default: bool
    redirect_from: list[str]
    maintenance: bool
    tls: str
    tls_certificate: str | None
    tls_key: str | None
    tls_listen: list[str] | None
    # Servers that may have the challenge of an authority.
    acme_peers: list[str]
    hsts: str | None
    http3: bool
    # The values come from YAML: check_tls refuses all but strings.
    headers: dict[str, str]
    behind: Behind | None
    # A directory on the controller.
    pages: str | None
    # Groups of servers, each an address with its port, by the name that proxy_pass uses.
    upstreams: dict[str, list[str]]
    # By group, the link to a directory with the name of the release that its servers must serve.
    releases: dict[str, str]
    # By group, and by server: the certificate of the authority that signs the server's, in PEM; empty for the live one.
    upstream_authorities: dict[str, dict[str, str]]
    snippet: str | None


class Site(SiteOptions):
    """A site; ``locations`` is None until check_sites has refused a present site without them."""

    locations: list[Location]


class NginxConf(TypedDict):
    """The options of nginx.conf, as ``spec.NGINX_CONF`` validates them."""

    manage: str
    # None for as many as the host can give, up to worker_limits.DEFAULT_CONNECTIONS.
    worker_connections: int | None
    http_snippet: str | None


class TlsRecord(TypedDict):
    """The TLS of a site in state.json."""

    mode: str
    listen: list[str]
    # The options of each of these addresses, beside ``quic``.
    options: list[str]
    http3: bool
    # The names that its certificate needs.
    names: list[str]
    # With mode ``host``: the paths of certificate and key, which may be the same.
    files: NotRequired[list[str]]


class SiteRecord(TypedDict):
    """The addresses and names that a site uses, in state.json."""

    listen: list[str]
    server_name: list[str]
    tls: NotRequired[TlsRecord]
    # Whether connections to ``listen`` begin with a PROXY protocol header; the TLS record has it among its options.
    proxy_protocol: NotRequired[bool]
    # Whether the site answers requests for unknown host names on its addresses.
    default: NotRequired[bool]


class RenderedSite(SiteRecord):
    """A site's record with the content of its file."""

    content: str
    # Its own error pages and files such as robots.txt, by name, in base64.
    pages: NotRequired[dict[str, str]]
    # As the option upstream_authorities.
    authorities: NotRequired[dict[str, dict[str, str]]]


class AliasRecord(LinkPolicy):
    """An alias, for the checks that only the host can make."""

    site: str
    path: str
    alias: str


class Rendered(TypedDict):
    """The files that the action plugin has rendered, by their path below the generation's directory."""

    shared: dict[str, str]
    main: dict[str, str]
    sites: dict[str, RenderedSite]
    # The names of the sites to remove.
    absent: list[str]
    aliases: list[AliasRecord]


class ActionParams(TypedDict):
    """The options of nginx_config that a playbook gives."""

    sites: list[Site]
    purge: bool
    nginx_conf: NginxConf | None
    generation: str | None


class Params(TypedDict):
    """The options of module nginx_config on the host."""

    # The files with hashed passwords, by site and by name.
    passwords: dict[str, dict[str, str]] | None

    purge: bool
    nginx_conf: NginxConf | None
    generation: str | None
    rendered: Rendered | None
    # The operator's certificates, by site, each with its key.
    certificates: dict[str, str] | None
    acme_sites: list[str] | None
    aliases: list[str] | None


class Outcome(TypedDict):
    """The part of nginx_config's result that the transaction determines."""

    changed: bool
    generation: int
    reloaded: bool
    validated: str
    not_owned_because: NotRequired[str]
