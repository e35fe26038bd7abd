# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Call restic on the repository of one app. No secret is in its arguments, which every user of the host can read."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._backup import causes
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact, secrets_of, without_tokens
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

# restic 0.14 of Debian 12 ends with 1 for each of these, and newer versions with 10, 11 and 12.
MISSING = re.compile(r"Is there a repository at the following location|repository does not exist", re.IGNORECASE)
LOCKED = re.compile(r"repository is already locked|unable to create lock in backend", re.IGNORECASE)
CODES = {10: MISSING, 11: LOCKED, 12: causes.WRONG_PASSWORD}
# restic often ends before it has passed on what its ssh printed.
SSH_ENDED = re.compile(r"unable to start the sftp session|read \|0: file already closed")
# Another host can be removing old backups from the same repository.
LOCK_SECONDS = 900
POLL_SECONDS = 10
# sftp:user@host:/path, or sftp://user@host:port//path
SFTP = re.compile(r"sftp:(?://)?(?P<login>(?:[\w.-]+@)?(?:[\w.-]+|\[[0-9a-fA-F:]+\]))(?::(?P<port>[0-9]+)(?=/))?[:/].+")
# The first argument is the number of words of the reading command, which come before the writing one.
PIPE = 'set -o pipefail; "${@:$1+2}" | "${@:2:$1}"'
KEPT_ELSEWHERE = (
    "Set 'password' to the one that they were made with: take the copy that you kept elsewhere, outside of the lost "
    "host and of the inventory. Without it they cannot be read."
)
Run = Callable[..., tuple[int, str, str]]


class Repository:
    """The repository of the app at *place*."""

    def __init__(self, place: Place, run: Run = run_bounded) -> None:
        self.place, self._run = place, run
        options = place.options()
        self.target = options["to"] or str(place.local)
        given = json.loads(files.read(place.environment) or "{}")
        self._secrets = secrets_of({**given, "RESTIC_REPOSITORY": self.target})
        self._environment = {
            "HOME": "/root",
            "LC_ALL": "C.UTF-8",
            **given,
            "RESTIC_REPOSITORY": self.target,
            "RESTIC_PASSWORD_FILE": str(place.password),
            "RESTIC_CACHE_DIR": str(place.cache),
        }

    @property
    def is_local(self) -> bool:
        """Whether it is in the directory that a backup without a target has."""
        return self.target == str(self.place.local)

    @property
    def shown(self) -> str:
        """The repository for messages, without a password."""
        return harmless(without_tokens(self.target))

    def attempt(
        self, *words: str, cwd: str | None = None, password: str = "", into: Sequence[str] = ()
    ) -> tuple[int, str, str]:
        """Run restic; return its exit code and outputs. While others use the repository, try again.

        Only the end of a long output is kept; the command *into* can read all of it, and its own output is returned.
        """
        variables = {**self._environment, **({"RESTIC_PASSWORD_FILE": password} if password else {})}
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            # A restic without its parent would go on writing after the lock is free.
            die_with_parent = ["setpriv", "--pdeathsig", "KILL", "--"]
            command = [*die_with_parent, "restic", *self._connection(), *words]
            if into:
                command = [*die_with_parent, "bash", "-c", PIPE, "bash", str(len(into)), *into, *command]
            code, out, err = self._run(command, cwd=cwd, environ_update=variables)
            if not is_because(LOCKED, code, err) or time.monotonic() > deadline:
                return code, out, redact(err, self._secrets)
            time.sleep(POLL_SECONDS)

    def call(self, *words: str, cwd: str | None = None, into: Sequence[str] = ()) -> str:
        """Run restic, which must succeed; return its output, or that of the command *into*."""
        code, out, err = self.attempt(*words, cwd=cwd, into=into)
        if code:
            raise BackupError(f"restic {words[0]} failed on {self.shown}: {self.why(err or out)}")
        return out

    def why(self, text: str) -> str:
        """Why restic failed, and what to correct, from what it printed."""
        found = SFTP.fullmatch(self.target)
        target = causes.Target(self.shown)
        if found:
            known = files.read(self.place.known_hosts) or ""
            has_key = self.place.ssh_key.exists()
            target = causes.Target(self.shown, found["login"], found["port"] or "", has_key, known)
        said = causes.explain(text, target)
        if not said and found and SSH_ENDED.search(text):
            said = causes.explain(self._run(self._ssh(found), environ_update=self._environment)[2], target)
        return said or last_words(text)

    def restore(self, *words: str) -> None:
        """Restore what the *words* name. The holes of sparse files stay holes where restic knows how (0.15)."""
        sparse = ["--sparse"] if "--sparse" in self.attempt("restore", "--help")[1] else []
        self.call("restore", *sparse, *words)

    def ensure(self, former: Path | None = None, *, make: bool = True) -> bool:
        """Open the repository with the password of the options, or *make* it; return whether it was made.

        A repository that only the password in the file *former* opens can be opened with both afterwards.
        """
        code, out, err = self.attempt("cat", "config")
        # restic asks whether there is a repository also where it may not look.
        if code and causes.NOT_WRITABLE.search(err):
            raise BackupError(f"backup: {self.shown} cannot be opened: {self.why(err)}")
        if is_because(MISSING, code, err):
            if not make:
                raise BackupError(
                    f"backup: there are no backups at {self.shown}. Correct 'to', or deploy the app without data: "
                    f"`ansible-playbook gatehouse.django.site -e app={self.place.app.name}`."
                )
            code, out, err = self.attempt("init")
            if code:
                raise BackupError(f"backup: {self.shown} cannot be made: {self.why(err or out)}")
            return True
        if is_because(causes.WRONG_PASSWORD, code, err):
            if former and former.exists() and self.attempt("cat", "config", password=str(former))[0] == 0:
                added = ["key", "add", f"--new-password-file={self.place.password}"]
                code, out, err = self.attempt(*added, password=str(former))
                if code:
                    raise BackupError(f"restic key failed on {self.shown}: {self.why(err or out)}")
                return False
            # A new place has nothing to restore.
            remedy = "Set 'password' to that one, or name a new place in 'to'." if make else KEPT_ELSEWHERE
            raise BackupError(
                f"backup: the password does not open the backups at {self.shown}, which were made with another one. "
                f"{remedy}"
            )
        if code:
            raise BackupError(f"backup: {self.shown} cannot be opened: {self.why(err or out)}")
        return False

    def key_of(self, password: Path) -> str:
        """The identifier of the key of the password in a file; empty if it does not open the repository."""
        code, out, _err = self.attempt("key", "list", "--json", password=str(password))
        keys = json.loads(out) if code == 0 else []
        return next((str(one["id"]) for one in keys if one["current"]), "")

    def snapshots(self) -> list[dict[str, object]]:
        """The snapshots of the app, the oldest first."""
        found = json.loads(self.call("snapshots", "--json", "--tag", self.place.app.name) or "[]") or []
        return sorted(found, key=lambda one: str(one["time"]))

    def _connection(self) -> list[str]:
        """The options for sftp with a key of its own."""
        found = SFTP.fullmatch(self.target)
        if not found or not self.place.ssh_key.exists():
            return []
        return ["-o", f"sftp.command={' '.join(self._ssh(found))}"]

    def _ssh(self, found: re.Match[str]) -> list[str]:
        """The command that begins a session with the server."""
        words = ["ssh", "-oBatchMode=yes", "-oConnectTimeout=30", "-oServerAliveInterval=30"]
        if self.place.ssh_key.exists():
            words += ["-i", str(self.place.ssh_key), "-oIdentitiesOnly=yes"]
            if self.place.known_hosts.exists():
                words += [f"-oUserKnownHostsFile={self.place.known_hosts}", "-oStrictHostKeyChecking=yes"]
        words += ["-p", found["port"]] if found["port"] else []
        return [*words, found["login"], "-s", "sftp"]


def is_because(reason: re.Pattern[str], code: int, err: str) -> bool:
    """Whether restic failed for *reason*."""
    return code != 0 and (CODES.get(code) is reason or (code == 1 and reason.search(err) is not None))


def last_words(text: str) -> str:
    """The end of a program's messages in one line; of restic's JSON only the texts."""
    lines = [_text(line.strip()) for line in text.splitlines() if line.strip()]
    return harmless(" ".join(" ".join(lines[-4:]).split())[-600:]) or "it printed no reason"


def _text(line: str) -> str:
    try:
        found = json.loads(line)
    except ValueError:
        return line
    if not isinstance(found, dict):
        return line
    error = found.get("error")
    said = found.get("message") or (error.get("message") if isinstance(error, dict) else "")
    return str(said or line)
