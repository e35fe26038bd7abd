# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate the option `backup` of an app on the controller."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.backup_spec import BACKUP_SPEC, KEEP, OFTEN
from ansible_collections.gatehouse.django.plugins.module_utils._app.environment import VARIABLE
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import ssh_key
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.unit_options import CONTROL, is_within, of_command

SHORTEST_PASSWORD = 8  # characters
MOST_KEPT = 1000  # snapshots of a kind
# How the names of restic's repositories begin, without those that need no server.
KINDS = ("sftp", "rest", "s3", "b2", "azure", "gs", "swift", "rclone")
TARGET = re.compile(rf"(?:{'|'.join(KINDS)}):\S.*")
SFTP = re.compile(
    r"sftp:(?:[\w.-]+@)?(?:[\w.-]+):[^\s:].*|sftp://(?:[\w.-]+@)?(?:[\w.-]+|\[[0-9a-fA-F:]+\])(?::\d+)?/.+"
)
TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
# The role and restic's own configuration set these.
RESERVED = re.compile(r"RESTIC_(?:REPOSITORY|PASSWORD|CACHE_DIR)\w*|HOME|PATH|LD_\w+")


def of_backup(options: Mapping[str, Any]) -> Iterator[str]:
    """Check the backup. Never quote a secret."""
    given = options.get("backup") or {}
    if not isinstance(given, Mapping):
        yield "backup: must be a dictionary, like 'password: \"{{ vault_shop_backup }}\"'."
        return
    if not given:
        return
    keys = list(BACKUP_SPEC["options"])
    yield from (f"backup: {unknown(str(key), keys)}" for key in given if key not in keys)
    yield from (f"backup: {problem}" for problem in [*_password(given), *_target(given), *_environment(given)])
    yield from (f"backup: {problem}" for problem in [*_keep(given.get("keep")), *_time(given), *_drill(given)])
    if given.get("on_failure"):
        yield from (f"backup: on_failure: {one}" for one in of_command(given["on_failure"], "mail -s backup root"))


def _password(given: Mapping[str, object]) -> Iterator[str]:
    password = given.get("password")
    if not isinstance(password, str) or len(password) < SHORTEST_PASSWORD or CONTROL.search(password):
        yield (
            f"password must be one line of {SHORTEST_PASSWORD} or more characters, without which the backups cannot be "
            "read. Make one (`openssl rand -base64 24`), put it into the vault, and keep a copy elsewhere."
        )


def _target(given: Mapping[str, object]) -> Iterator[str]:
    to, key = given.get("to") or "", given.get("ssh_key") or ""
    if not isinstance(to, str) or CONTROL.search(to):
        yield "to must be one line: a directory of the host, or one of restic's names like 'sftp:backup@nas:/srv/shop'."
        return
    if f"{to}/".startswith((f"{APPS}/", "/tmp/", "/run/")):
        yield f"to '{to}' is no place for backups: apps can write below {APPS}, and others are emptied. Leave it out."
    elif to and not to.startswith("/") and not TARGET.fullmatch(to):
        kinds = ", ".join(f"{kind}:" for kind in KINDS)
        yield f"to must be an absolute path on the host, or begin with one of {kinds} (restic's names of repositories)."
    elif to.startswith("sftp:") and not SFTP.fullmatch(to):
        yield f"to '{to}' is not complete: write 'sftp:user@host:/path', or with a port 'sftp://user@host:2222//path'."
    if (key or given.get("known_hosts")) and not to.startswith("sftp:"):
        yield "ssh_key and known_hosts are for a target like 'sftp:user@host:/path'. Remove them, or correct 'to'."
    if key and (problem := ssh_key.problem(str(key))):
        yield f"ssh_key {problem}"


def _environment(given: Mapping[str, object]) -> Iterator[str]:
    variables = given.get("environment") or {}
    if not isinstance(variables, Mapping):
        yield "environment must be a dictionary of variables for restic, like AWS_ACCESS_KEY_ID."
        return
    for name, value in variables.items():
        if not VARIABLE.fullmatch(str(name)) or RESERVED.fullmatch(str(name)):
            yield f"environment: '{name}' cannot be set. Give variables that restic documents, like AWS_ACCESS_KEY_ID."
        elif isinstance(value, bool) or not isinstance(value, (str, int)) or CONTROL.search(str(value)):
            yield f"environment: {name} must be a string in one line."


def _keep(keep: object) -> Iterator[str]:
    if keep is None:
        return
    if not isinstance(keep, Mapping):
        yield f"keep must be a dictionary with some of {', '.join(KEEP)}, like 'daily: 7'; {{}} keeps all."
        return
    for name, number in keep.items():
        if name not in KEEP:
            yield f"keep: {unknown(str(name), list(KEEP))}"
        elif not is_within(number, 0, MOST_KEPT):
            yield f"keep: {name} '{number}' must be a whole number from 0 to {MOST_KEPT}."
    if keep and not any(str(number) not in ("0", "") for number in keep.values()):
        yield "keep: at least one number must be more than 0, or old backups would all be removed; {} keeps all."


def _time(given: Mapping[str, object]) -> Iterator[str]:
    time = given.get("time")
    if time is not None and not isinstance(time, str):
        yield f"time '{time}' must be a time of day in quotes, like '02:30': YAML reads it as a number without them."
    elif time is not None and not TIME.fullmatch(time):
        yield f"time '{time}' must be a time of day from '00:00' to '23:59', like '02:30'."


def _drill(given: Mapping[str, object]) -> Iterator[str]:
    drill = given.get("drill", "weekly")
    if drill not in OFTEN:
        yield f"drill '{drill}' must be one of {', '.join(OFTEN)}."
