# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognise why restic and its ssh cannot use a repository, and name the option to correct."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._app.backup_record import TO_CORRECT
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

HOST_KEY = re.compile(r"Host key verification failed|No \S+ host key is known for")
OTHER_HOST_KEY = re.compile(r"Host key for \S+ has changed|REMOTE HOST IDENTIFICATION HAS CHANGED")
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
KEY_REFUSED = re.compile(r"Permission denied \([\w,-]*publickey[\w,-]*\)")
UNREACHABLE = re.compile(
    r"No route to host|Network is unreachable|Connection refused|Connection timed out|Operation timed out|i/o timeout"
    r"|Could not resolve hostname|no such host",
    re.IGNORECASE,
)
NOT_WRITABLE = re.compile(r"(?:mkdir(?:all)?|lstat|stat|open) \S+: permission denied", re.IGNORECASE)
WRONG_PASSWORD = re.compile(r"wrong password or no key found", re.IGNORECASE)


@dataclass
class Target:
    """The repository as the options name it, without secrets."""

    shown: str
    # Of sftp: user@host, and the port.
    login: str = ""
    port: str = ""
    has_key: bool = False
    known_hosts: str = ""  # the option

    @property
    def host(self) -> str:
        """The server of sftp."""
        return self.login.rpartition("@")[2].strip("[]")


def explain(text: str, target: Target) -> str:
    """Return why the *target* cannot be used, and what to correct, from what restic and ssh print; empty if unknown."""
    cause, remedy = _recognise(text, target)
    return harmless(f"{cause}{TO_CORRECT}{remedy}.") if cause else ""


def _recognise(text: str, target: Target) -> tuple[str, str]:
    to = f"'to' ('{target.shown}')"
    if HOST_KEY.search(text) or OTHER_HOST_KEY.search(text):
        return _host_key(text, target)
    if KEY_REFUSED.search(text):
        key = "the option 'ssh_key'" if target.has_key else "root (the option 'ssh_key' is not set)"
        return (
            f"the server {target.host} does not accept the key of {key} for the login {target.login}",
            "add the public half of the key (`ssh-keygen -y -f KEY` prints it) to authorized_keys of that user on the "
            f"server, set 'ssh_key' to a key that it accepts, or correct the user in {to}",
        )
    if found := UNREACHABLE.search(text):
        where = target.host or target.shown
        return (
            f"{where} cannot be reached ({found[0]})",
            f"correct the host or the port in {to}, or let its server run and be reached from this host",
        )
    if found := NOT_WRITABLE.search(text):
        user = target.login.rpartition("@")[0]
        return (
            f"{f'the user {user} of the server' if user else 'this host'} has no right to the directory ({found[0]})",
            f"name a directory in {to} that this user can write, or give it that one",
        )
    if WRONG_PASSWORD.search(text):
        return "the password does not open the backups", "set 'password' to the one that they were made with"
    return "", ""


def _host_key(text: str, target: Target) -> tuple[str, str]:
    is_ours = target.has_key and bool(target.known_hosts)
    place = f"the option 'known_hosts' ('{_short(target.known_hosts)}')" if is_ours else "root's known_hosts"
    sent = FINGERPRINT.search(text)
    if OTHER_HOST_KEY.search(text):
        cause = f"the key of the server {target.host}{f' ({sent[0]})' if sent else ''} is another one than in {place}"
    else:
        cause = f"the key of the server {target.host} is not in {place}"
    scan = f"ssh-keyscan {f'-p {target.port} ' if target.port else ''}{target.host}"
    into = (
        "set 'known_hosts' to" if target.has_key else "set 'ssh_key' and 'known_hosts', or add to root's known_hosts,"
    )
    return (
        cause,
        f"{into} what `{scan}` prints, if `ssh-keygen -lf` shows the same fingerprint for it as for "
        "/etc/ssh/ssh_host_ed25519_key.pub on the server",
    )


def _short(text: str) -> str:
    line = text.strip().split("\n")[0]
    return line if len(line) <= 60 else f"{line[:57]}..."
