# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lets an app on another host use its database: TLS, a line of pg_hba.conf, and the password of its role."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core import addresses, authority, files
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import POSTGRESQL_CONFIGURATION
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import hba, restart, scram
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import (
    Cluster,
    PostgresqlError,
    RunCommand,
    execute,
    query,
)
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.superuser import literal

# With the package postgresql, each server has this certificate; no client can verify it.
SNAKEOIL = "/etc/ssl/certs/ssl-cert-snakeoil.pem"
SETTINGS = {
    # pg_hba.conf says who may connect. A server that listens on single addresses does not start to listen on one that
    # the host has only later, as at boot.
    "listen_addresses": "'*'",
    "ssl": "on",
    "ssl_cert_file": f"'{authority.CERTIFICATE}'",
    "ssl_key_file": f"'{authority.KEY}'",
}
HEADER = (
    "# Made by Gatehouse for apps on other hosts; changes are overwritten.\n"
    "# Who can connect is in pg_hba.conf. Keep others away from the port with a firewall, too.\n"
)
RELOAD_SECONDS = 10.0
POLL_SECONDS = 0.1
STATE = """
SELECT json_build_object(
  'hba', current_setting('hba_file'), 'ssl', current_setting('ssl'), 'certificate', current_setting('ssl_cert_file'),
  'listen', current_setting('listen_addresses'), 'loaded', extract(epoch FROM pg_conf_load_time()),
  'pending', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM pg_settings WHERE pending_restart)
)
"""
RULES = "SELECT coalesce(json_agg(json_build_array(line_number, error)), '[]') FROM pg_hba_file_rules"
VERIFIER = "SELECT coalesce((SELECT to_json(coalesce(rolpassword, '')) FROM pg_authid WHERE rolname = {name}), '\"\"')"


class State(TypedDict):
    """The answer to STATE."""

    hba: str  # the path of pg_hba.conf
    ssl: str  # on or off
    certificate: str
    listen: str  # addresses
    loaded: float  # seconds since the epoch
    pending: list[str]  # settings that wait for a restart


@dataclass(frozen=True)
class Access:
    """What an app on another host needs."""

    app: str  # also the name of the role and of the database
    host: str  # its host in the inventory
    address: str
    hosts: Sequence[str]  # the hosts of the app in the inventory
    known: Sequence[str] = field(repr=False)  # the passwords that hosts of the app have, the preferred one first
    proposed: Sequence[str] = field(repr=False)  # new ones
    seen: str = ""  # the digest of the verifier when they were gathered


@dataclass(frozen=True)
class Plan:
    """What is to be changed."""

    texts: Mapping[str, tuple[str, str]]  # before and after, by path
    password: str = field(repr=False)  # empty if the role has one that a host knows
    chosen: int  # which of the passwords the role has then: its index in known and proposed; -1 if it stays unknown
    digest: str  # of the verifier that the role has now; empty if it has no password
    hba_file: str
    needs_reload: bool  # the server has not read the certificate or a file yet
    needs_restart: bool
    restart: str  # what a run says of the restart; empty if it needs none
    clients: Sequence[str]  # hosts of the app that could connect before

    @property
    def is_due(self) -> bool:
        """Whether anything changes."""
        return bool(self.texts or self.password or self.needs_reload or self.needs_restart)


def digest(verifier: str) -> str:
    """Return what tells one verifier from another, and is no secret; empty for none."""
    return hashlib.sha256(verifier.encode()).hexdigest()[:16] if verifier else ""


def plan(run: RunCommand, cluster: Cluster, one: Access) -> Plan:
    """Return what is to be changed on the running *cluster*; raise PostgresqlError for what must not be."""
    state: State = query(run, STATE)
    certificate = state["certificate"]
    if state["ssl"] == "on" and certificate not in (SNAKEOIL, str(authority.CERTIFICATE)):
        raise PostgresqlError(
            f"PostgreSQL has a certificate of its own (ssl_cert_file = '{certificate}'), which other clients may "
            f"verify. Gatehouse does not replace it. Make role and database '{one.app}' there, and write DATABASE_URL "
            "in secrets instead of database. Nothing was changed."
        )
    wanted = {settings_file(cluster): render()}
    hba_text = files.read(state["hba"]) or ""
    wanted[state["hba"]] = hba.with_client(
        hba_text, hba.Client(app=one.app, host=one.host, address=addresses.network(one.address)), one.hosts
    )
    texts = {path: (files.read(path) or "", text) for path, text in wanted.items() if files.read(path) != text}
    # A run that was killed may have written them without a reload.
    unread = [path for path in (str(authority.CERTIFICATE), *wanted) if _changed(Path(path)) > state["loaded"]]
    password, chosen, seen = _password(run, one)
    needs_restart = _needs_restart(state, will_listen=settings_file(cluster) in [*texts, *unread])
    return Plan(
        texts=texts,
        password=password,
        chosen=chosen,
        digest=seen,
        hba_file=state["hba"],
        needs_reload=bool(unread),
        needs_restart=needs_restart,
        restart=restart.forecast(cluster, query(run, restart.SESSIONS)) if needs_restart else "",
        clients=[found.host for found in hba.clients(hba_text) if found.app == one.app and found.host in one.hosts],
    )


def _needs_restart(state: State, *, will_listen: bool) -> bool:
    is_local = all(word.strip() in addresses.THIS_HOST for word in state["listen"].split(","))
    return "listen_addresses" in state["pending"] or (will_listen and is_local)


def _changed(path: Path) -> float:
    """Return when a file was written; 0 if it does not exist."""
    return path.stat().st_mtime if path.exists() else 0.0


def _password(run: RunCommand, one: Access) -> tuple[str, int, str]:
    """Return the password that the role gets, its index, and the digest of the verifier that it has."""
    verifier = str(query(run, VERIFIER.format(name=literal(one.app))))
    candidates = [*one.known, *one.proposed]
    for index, password in enumerate(candidates):
        if scram.matches(password, verifier):
            return "", index, digest(verifier)
    return (candidates[0], 0, digest(verifier)) if candidates else ("", -1, digest(verifier))


def settings_file(cluster: Cluster) -> str:
    """Return the file with the settings for apps on other hosts."""
    return f"{POSTGRESQL_CONFIGURATION}/{cluster.major}/{cluster.name}/conf.d/gatehouse-remote.conf"


def render() -> str:
    """Return the text of the file with the settings."""
    return HEADER + "".join(f"{name} = {value}\n" for name, value in SETTINGS.items())


def apply(run: RunCommand, cluster: Cluster, one: Access, due: Plan) -> str:
    """Change what *due* says; return a sentence for the operator, or an empty one."""
    if due.password and due.digest != one.seen:
        raise PostgresqlError(
            f"The password of the role '{one.app}' was set by another run meanwhile. Nothing was changed; run it again."
        )
    for path, (before, text) in due.texts.items():
        _write(Path(path), text)
        if path == due.hba_file:
            _check_rules(run, path, before)
    if due.password:
        execute(run, f'ALTER ROLE "{one.app}" PASSWORD {literal(scram.verifier(due.password))}')
    if due.texts or due.needs_reload:
        execute(run, "SELECT pg_reload_conf()")
        _check_certificate(run, settings_file(cluster))
    if not due.needs_restart:
        return ""
    return restart.restart(run, cluster, query(run, restart.SESSIONS))


def revoke(run: RunCommand, app: str, host: str) -> dict[str, tuple[str, str]]:
    """Return the texts of pg_hba.conf, before and after, without the line of a *host* for the *app*."""
    path = query(run, STATE)["hba"]
    before = files.read(path) or ""
    after = hba.without_client(before, app, host)
    return {path: (before, after)} if before != after else {}


def hosts_of(run: RunCommand, app: str) -> list[str]:
    """Return the hosts of the inventory that can use the database of the *app*."""
    text = files.read(query(run, STATE)["hba"]) or ""
    return [one.host for one in hba.clients(text) if one.app == app]


def renew(run: RunCommand) -> None:
    """Write the lines of all hosts as they are made now: those of an earlier version let no app load a restore."""
    path = query(run, STATE)["hba"]
    before = files.read(path) or ""
    after = hba.with_block(before, hba.clients(before))
    if before != after:
        write(run, {path: (before, after)})


def write(run: RunCommand, texts: Mapping[str, tuple[str, str]]) -> None:
    """Write *texts* and reload the configuration."""
    for path, (_before, text) in texts.items():
        _write(Path(path), text)
    execute(run, "SELECT pg_reload_conf()")


def _write(path: Path, text: str) -> None:
    """Replace *path*; it keeps its owner and its mode, and no other user can change it."""
    if path.exists():
        files.replace(path, text)
    else:
        files.make_directory(path.parent)
        files.replace(path, text, 0o644)


def _check_rules(run: RunCommand, path: str, before: str) -> None:
    """Raise PostgresqlError if the server cannot read a line of the block, after the file of before is back."""
    lines = (files.read(path) or "").split("\n")
    end = lines.index(hba.END) if hba.END in lines else 0
    errors = [f"line {number}: {error}" for number, error in query(run, RULES) if error and number <= end]
    if errors:
        _write(Path(path), before)
        raise PostgresqlError(f"PostgreSQL cannot read '{path}' ({'; '.join(errors)}). It is as it was before.")


def _check_certificate(run: RunCommand, file: str) -> None:
    """Raise PostgresqlError if the server, some seconds after it was told to, does not use the certificate."""
    deadline = time.monotonic() + RELOAD_SECONDS
    while (found := query(run, STATE))["certificate"] != str(authority.CERTIFICATE) or found["ssl"] != "on":
        if time.monotonic() > deadline:
            raise PostgresqlError(
                f"PostgreSQL does not use '{file}': ssl is {found['ssl']}, ssl_cert_file is '{found['certificate']}'. "
                "Remove both from the file of the same directory that sorts after it, or have postgresql.conf include "
                "the directory, and run this again. The app was not deployed."
            )
        time.sleep(POLL_SECONDS)
