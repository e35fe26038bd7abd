# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of an instance: its configuration, and what makes the package's template unit its own."""

from __future__ import annotations

import hashlib
import re

from ansible_collections.gatehouse.django.plugins.module_utils._core import authority, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.access import Access, without_clients
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.spec import Instance

MARK = "# Made by Gatehouse for the instance {name}, a {kind}; changes are overwritten."
CREDENTIALS = "/run/credentials"  # systemd.exec(5), LoadCredential=
MAX_USER_LENGTH = 31  # characters that systemd allows
# The running process shows with this variable which files it was started with.
DIGEST = "GATEHOUSE_CONFIGURATION"

CONFIGURATION = """\
{mark}
{network}unixsocket {socket}
unixsocketperm 770
dir {directory}
maxmemory {memory}
{rules}
# An empty name means standard output, which is the journal.
logfile ""
# The environment of the process stays readable for Gatehouse.
set-proc-title no
# The app can neither raise the limits of the instance nor make it write other files.
{users}"""
RIGHTS = "~* &* +@all -@admin +client +config|get +latency +monitor +slowlog"
LOCAL_NETWORK = """\
# No port: only the members of the group {group} can enter the directory of the socket.
port 0
"""
LOCAL_USERS = f"user default on nopass {RIGHTS}\n"
REMOTE_NETWORK = """\
# TLS only. The unit says which hosts reach the port; without a name and a password, a client can ask for INFO only.
port 0
tls-port {port}
bind * -::*
protected-mode no
tls-cert-file {credentials}/server.crt
tls-key-file {credentials}/server.key
tls-auth-clients no
"""
REMOTE_USERS = "user default reset on nopass -@all +info\nuser {user} on #{digest} " + RIGHTS + "\n"
RULES = {
    # What was not used for the longest time goes first. Nothing is written to the disk.
    "cache": 'maxmemory-policy allkeys-lru\nsave ""\nappendonly no',
    # Writes fail when it is full. Each second the log of all writes is synced to the disk.
    "broker": 'maxmemory-policy noeviction\nsave ""\nappendonly yes\nappendfsync everysec',
}
DROP_IN = """\
{mark}
[Unit]
Description={kind} {name} ({program})
# Restart without a limit: the app fails while it is down.
StartLimitIntervalSec=0

[Service]
ExecStart=
ExecStart={program} {configuration} --supervised systemd --daemonize no
PIDFile=
RestartSec=200ms
# The package waits without end, and an instance does not stop while a script runs. What a broker has acknowledged is
# written by then.
TimeoutStopSec=30s
Environment={digest_name}={digest}
# A user of its own, which exists while the instance runs: no other instance can read its memory or data.
DynamicUser=yes
User={user}
Group={group}
RuntimeDirectory=
RuntimeDirectory=valkey-{name}
RuntimeDirectoryMode=0750
{state}InaccessiblePaths=-{apps}
{network}\
# Above its own limit come buffers of connections, fragmentation and, for a broker, the pages that a copy of the process
# shares until they change. The kernel then kills the copy, or restarts the instance, but no other process of the host.
MemoryMax={memory_max}
OOMPolicy=continue
"""
LOCAL_UNIT = """\
# Only the socket leads in, and nothing leads out.
RestrictAddressFamilies=
RestrictAddressFamilies=AF_UNIX
PrivateNetwork=yes
"""
REMOTE_UNIT = """\
# Only the hosts of the app reach the port, and it reaches no other.
RestrictAddressFamilies=
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
PrivateNetwork=no
IPAddressDeny=any
{clients}LoadCredential=server.crt:{certificate}
LoadCredential=server.key:{key}
"""
STATE = "StateDirectory=valkey-{name}\nStateDirectoryMode=0700\n"
OVERHEAD = 64 << 20  # bytes


def user(name: str) -> str:
    """The user of an instance; a shorter name for a long one, which systemd would refuse."""
    full = f"valkey-{name}"
    return full if len(full) <= MAX_USER_LENGTH else f"valkey-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def mark(name: str, kind: str) -> str:
    """The first line of both files."""
    return MARK.format(name=name, kind=kind)


def kind_of(text: str) -> str:
    """The kind of the instance whose file has this *text*; empty for a file of others."""
    found = re.match(MARK.format(name=r"\S+", kind=r"(\w+)"), text)
    return found[1] if found else ""


def configuration(one: Instance, engine: valkey.Engine, access: Access | None = None) -> str:
    """Render the configuration; with *access*, of an instance for other hosts."""
    name, kind = one["name"], one["kind"]
    network, users = LOCAL_NETWORK.format(group=one["group"]), LOCAL_USERS
    if access:
        credentials = f"{CREDENTIALS}/{engine.unit(name)}"
        network = REMOTE_NETWORK.format(port=access.port, credentials=credentials)
        users = REMOTE_USERS.format(user=access.user, digest=access.digest)
    return CONFIGURATION.format(
        mark=mark(name, kind),
        network=network,
        users=users,
        socket=valkey.socket(name),
        directory=f"/var/lib/valkey-{name}" if kind == "broker" else f"/run/valkey-{name}",
        memory=valkey.parse_memory(one["memory"]),
        rules=RULES[kind],
    )


def drop_in(one: Instance, engine: valkey.Engine, access: Access | None = None) -> str:
    """Render the drop-in. It contains its own digest and that of the configuration."""
    name, kind, memory = one["name"], one["kind"], valkey.parse_memory(one["memory"])
    network = LOCAL_UNIT
    if access:
        clients = "".join(client.text for client in sorted(access.clients))
        network = REMOTE_UNIT.format(clients=clients, certificate=authority.CERTIFICATE, key=authority.KEY)
    text = DROP_IN.format(
        network=network,
        mark=mark(name, kind),
        kind=kind.capitalize(),
        program=engine.program,
        configuration=valkey.configuration(name),
        digest_name=DIGEST,
        digest="{digest}",
        user=user(name),
        group=one["group"],
        name=name,
        state=STATE.format(name=name) if kind == "broker" else "",
        apps=APPS,
        # The copy that rewrites the log of a broker can need as much again.
        memory_max=(2 * memory if kind == "broker" else memory * 5 // 4) + OVERHEAD,
    )
    # The process keeps the certificate that it was started with. systemd itself lets the hosts in, without a restart.
    certificate = access.certificate if access else ""
    made = f"{configuration(one, engine, access)}{without_clients(text)}{certificate}"
    digest = hashlib.sha256(made.encode()).hexdigest()[:16]
    return text.format(digest=digest)
