# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a server refuses an app, from the words of its driver: what is wrong, and who corrects it where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.data_servers.asking import Server

PLAY = "`ansible-playbook gatehouse.django.site`"
PORTS = {"postgresql": "5432", "mysql": "3306"}


@dataclass(frozen=True)
class Rule:
    """What an error means. In the texts, `{0}` is what the first group of the pattern matched."""

    pattern: str
    cause: str
    # For a server on a host of the inventory that Gatehouse made, and for any other one.
    made: str
    other: str
    # Whether it is a state of the server, of which the diagnosis of its host says more.
    is_of_server: bool = False


# The first one that matches explains it. libpq, Valkey and Python's ssl are quoted.
RULES = (
    Rule(
        r"No space left on device|MISCONF|could not write init file",
        "the file system of the server is full",
        "Make space on {host}: `df --human-readable /var/lib` there. Remove or move other files, none of the server "
        "itself. It goes on by itself, or after {start}.",
        "Make space on the server; it goes on by itself, or after a start.",
        is_of_server=True,
    ),
    Rule(
        r'no pg_hba\.conf entry for host "([^"]{1,80})"',
        "the server has no line in pg_hba.conf for this host, which connects from {0}",
        f"{PLAY} writes that line. If this host has several addresses, set its gatehouse_address in the inventory.",
        "Add a line for {0} to pg_hba.conf of the server, and reload it.",
    ),
    Rule(
        r"password authentication failed|WRONGPASS|NOAUTH|no password supplied",
        "the server does not accept the password that the app has",
        f"{PLAY} gives the server the password of the release that is served.",
        "Correct the password in {variable} in secrets, and deploy the app, or set it on the server.",
    ),
    Rule(
        r"certificate has expired|certificate is not yet valid",
        "the certificate of the server has expired, or one of the clocks is wrong",
        f"Compare `timedatectl` on both hosts. Then {PLAY} renews the certificate.",
        "Renew the certificate of the server, and compare `timedatectl` on both hosts.",
    ),
    Rule(
        r"does not match host name|[Hh]ostname mismatch|IP address mismatch",
        "the certificate of the server is for another name than {address}",
        f"Set gatehouse_address of {{host}} in the inventory to the name that apps use. Then {PLAY} makes a "
        "certificate for it.",
        "Use a name in {variable} that the certificate has.",
    ),
    Rule(
        r"root certificate file .{1,300} does not exist|No such file or directory: '.{1,300}\.pem'",
        "this host lacks the certificate of the server's authority",
        f"{PLAY} copies it.",
        "Put it where {variable} names it.",
    ),
    Rule(
        r"certificate verify failed|CERTIFICATE_VERIFY_FAILED|self.signed certificate|unable to get local issuer",
        "the certificate of the server is not from the authority that the app trusts",
        f"{PLAY} copies the authority of {{host}} to this host. If that does not help, another server answers at "
        "{address}.",
        "Correct the authority in {variable}, or the certificate of the server.",
    ),
    Rule(
        r'too many connections for database "([^"]{1,63})"',
        "the database has a limit of connections, and none is free",
        "On {host}: `runuser -u postgres -- psql -c 'ALTER DATABASE \"{0}\" CONNECTION LIMIT -1'` removes the limit.",
        'Remove the limit on the server: ALTER DATABASE "{0}" CONNECTION LIMIT -1.',
    ),
    Rule(
        r"too many connections for role|remaining connection slots|too many clients already|max number of clients",
        "the server has no free connection for the app",
        "Find out who holds them (on {host}: `runuser -u postgres -- psql -c 'SELECT usename, client_addr, state, "
        "query FROM pg_stat_activity'`). Write more in database: {{engine: postgresql, connections: N}}, or use fewer "
        "workers, threads or processes.",
        "Find out who holds them, and allow more, or use fewer workers, threads or processes.",
    ),
    Rule(
        r"database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting connections)",
        "the server is starting or ending",
        "If it lasts, read `journalctl -n 50 -u 'postgresql@*'` on {host}; a full disk is one reason.",
        "If it lasts, read its log.",
        is_of_server=True,
    ),
    Rule(
        r'(?:database|role) "[^"]{1,80}" does not exist|is not permitted to log in|permission denied for database',
        "the server does not have what the app needs, or does not let it in",
        f"{PLAY} makes the role and the database.",
        "Make the role and the database on the server, or correct {variable}.",
    ),
    Rule(
        r"Peer authentication failed",
        "over the unix socket, PostgreSQL knows the app by its user only, and the app names another role",
        "Name no other role.",
        "Use the role of the app's own name, or connect with a password over TCP.",
    ),
    Rule(
        r"Connection refused|No such file or directory",
        "nothing listens there: the server does not run, or it listens on its own host only",
        f"On {{host}}: {{start}}. If it runs, {PLAY} has it listen for this host again.",
        "Start the server, or correct its address in {variable}.",
        is_of_server=True,
    ),
    Rule(
        r"timeout expired|timed out|no answer in time|[Tt]imeout",
        "no answer comes from there: the host is down, or the packets are dropped by a firewall or because the "
        "service does not know the address of this host",
        f"See that {{host}} runs, and that no firewall between the two drops the packets. If this host has another "
        f"address than before, {PLAY} lets that one in.",
        "See that the server runs, and that no firewall keeps this host from port {port}.",
    ),
    Rule(
        r"could not translate host name|[Nn]ame or service not known|name resolution|[Ff]ailed to resolve",
        "this host does not know the name {address}",
        "`getent hosts {address}` shows what it knows. Correct DNS or /etc/hosts, or set gatehouse_address of {host}.",
        "`getent hosts {address}` shows what it knows. Correct DNS or /etc/hosts, or the name in {variable}.",
    ),
    Rule(
        r"No route to host|Network is unreachable",
        "no network leads there",
        "`ip route get {address}` shows the way. Correct the network, or set gatehouse_address of {host}.",
        "`ip route get {address}` shows the way. Correct the network, or the address in {variable}.",
    ),
    Rule(
        r"",
        "the server refuses the app",
        "Read the log of the server on {host}.",
        "Read the log of the server.",
    ),
)


def explain(app: str, server: Server, inventory_name: str) -> tuple[str, str, str]:
    """Return cause, remedy, and the host in the inventory whose own diagnosis may say more, empty for none.

    *inventory_name* is the server's host in the inventory, empty for another server.
    """
    text = f"{server.tls} {server.error}"
    rule, found = next((one, match) for one in RULES if (match := re.search(one.pattern, text)))
    port = server.port or PORTS.get(server.vendor, "")
    values: Mapping[str, str] = {
        "host": inventory_name or server.host or "this host",
        "address": server.host,
        "port": port,
        "variable": f"DATABASES['{server.label}']" if server.kind == "database" else server.label,
        "start": _start(app, server),
    }
    groups = [group or "" for group in found.groups()]
    where = f"{server.host}:{port}" if server.host else "the unix socket"
    place = f"on {inventory_name} ({where})" if inventory_name else f"at {where}"
    said = f"{server.error} ({server.tls})" if server.tls else server.error
    reason = rule.cause.format(*groups, **values)
    cause = f"The app {app} cannot use its {server.kind} {place}: {reason}. It gets: {said.rstrip('.')}."
    remedy = (rule.made if inventory_name else rule.other).format(*groups, **values)
    return cause, remedy, inventory_name if rule.is_of_server else ""


def _start(app: str, server: Server) -> str:
    if server.kind == "database":
        return "`systemctl start postgresql`"
    name = f"{app}-{server.kind}"
    return f"`systemctl start valkey-server@{name}` (with Redis `redis-server@{name}`)"
