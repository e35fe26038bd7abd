# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction: build the candidate, validate it, switch with one rename, reload, prove it, or switch back."""

from __future__ import annotations

import contextlib
import fcntl
import grp
import os
import pwd
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils import _nginx_entry as entry
from ansible_collections.gatehouse.django.plugins.module_utils import _nginx_generation as generations
from ansible_collections.gatehouse.django.plugins.module_utils import _nginx_reload as service
from ansible_collections.gatehouse.django.plugins.module_utils import _nginx_verdict as nginx
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_host import Run, master_pid

LOCK_PATIENCE = 60.0  # seconds: another run's whole transaction takes one or two


class Refused(Exception):
    """The change was not made; the message says why, and in what state the host is."""


@dataclass
class Plan:
    """What a transaction would change: a candidate generation and the entry files, None for one to remove."""

    live: generations.Generation
    candidate: generations.Generation
    entries: dict[str, str | None]
    entries_before: dict[str, str | None]
    warnings: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether the host differs from the plan."""
        return self.live.files != self.candidate.files or self.entries != self.entries_before

    def diff(self, live: str) -> list[dict[str, str]]:
        """Ansible's diff structure, one element for each file that changes; *live* is the path of the symlink."""
        before = {f"{live}/{path}": text for path, text in self.live.files.items()} | self.entries_before
        after = {f"{live}/{path}": text for path, text in self.candidate.files.items()} | self.entries
        return [
            {
                "before_header": path,
                "after_header": path,
                "before": before.get(path) or "",
                "after": after.get(path) or "",
            }
            for path in sorted({**before, **after})
            if before.get(path) != after.get(path)
        ]


@contextlib.contextmanager
def locked(conf_dir: str) -> Iterator[None]:
    """Hold nginx's configuration directory itself: a lock that leaves no file behind and dies with its process."""
    descriptor = os.open(conf_dir, os.O_RDONLY)
    deadline = time.monotonic() + LOCK_PATIENCE
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Refused(
                        f"another run has held {conf_dir} for {LOCK_PATIENCE:.0f} s; nothing was changed: try again"
                    ) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def plan(host: Mapping[str, Any], params: Mapping[str, Any], owns_nginx_conf: bool) -> Plan:
    """Compose the candidate from what is live and what was asked for; raises Refused where they contradict."""
    live = generations.read_live(host["conf_dir"])
    absent = [site["name"] for site in params["sites"] if site["state"] == "absent"]
    try:
        candidate = generations.compose(
            live, params["rendered"], absent, purge=params["purge"], owns_nginx_conf=owns_nginx_conf
        )
        original = _original(host)
        entries = entry.entry_files(host["conf_dir"], host["conf_path"], original, owns_nginx_conf=owns_nginx_conf)
    except (ValueError, entry.NoInclude) as error:
        raise Refused(f"{error}. Nothing was changed.") from error
    return Plan(live, candidate, entries, {path: _text(path) for path in entries})


def apply(run: Run, host: dict[str, Any], wanted: Plan, scratch: Path, *, check_mode: bool) -> dict[str, Any]:
    """Bring the host to *wanted*; in check mode only validate. Returns what happened.

    Raises Refused with the host as it was before.
    """
    link = generations.root(host["conf_dir"]) / "live"
    master = master_pid(run, host["pid_path"])
    result = {"generation": wanted.live.number, "reloaded": False, "validated": "unchanged"}
    if wanted.changed:
        number = generations.next_number(host["conf_dir"])
        isolated = _validate(run, host, wanted, scratch, number)
        result["validated"] = "isolated" if isolated else "in_place"
        if check_mode:
            return dict(result, validated=result["validated"] if isolated else "not")
        result["generation"] = number
        _create_logs(wanted.candidate.sites, host["user"])
        _switch(host, number, wanted.candidate.files, wanted.entries)
        try:
            if not isolated:
                _judge(nginx.check_in_place(run, host), wanted, host)
            if master is not None:
                service.reload(run, master, host["error_log_path"], number)
        except (Refused, service.NotApplied) as error:
            _switch_back(host, wanted)
            served = ", and nginx serves it" if master is not None else ""
            raise Refused(f"{error} The live configuration is as it was{served}.") from error
        generations.prune(host["conf_dir"], number)
    elif master is None or not link.is_symlink() or service.is_applied(wanted.live.number, link, master):
        return result
    elif not check_mode:
        # An earlier run was killed between its switch and its reload.
        try:
            service.reload(run, master, host["error_log_path"], wanted.live.number)
        except service.NotApplied as error:
            raise Refused(f"{error} Its files stay live, because nothing else was ever applied from here.") from error
    return dict(result, reloaded=master is not None)


def _original(host: Mapping[str, Any]) -> str:
    """The nginx.conf that is not ours: what is there, or what was there before it was taken over."""
    text = _text(host["conf_path"]) or ""
    return _text(str(_saved(host))) or "" if entry.is_ours(text) else text


def _saved(host: Mapping[str, Any]) -> Path:
    return generations.root(host["conf_dir"]) / "nginx.conf.original"


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _validate(run: Run, host: dict[str, Any], wanted: Plan, scratch: Path, number: int) -> bool:
    """Test the candidate in its place without touching anything live; False where the kernel does not allow that."""
    staged, overlays = scratch / "staged", scratch / "overlays"
    overlays.mkdir(parents=True)
    home = staged / "gatehouse"
    generations.write(home / "generations" / str(number), wanted.candidate.files)
    (home / "live").symlink_to(f"generations/{number}")
    removed = []
    for path, content in wanted.entries.items():
        if content is None:
            removed.append(path)
        elif content != wanted.entries_before[path]:
            target = staged / Path(path).relative_to(host["conf_dir"])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")
    verdict = nginx.check(run, host, str(overlays), str(staged), tuple(removed))
    if verdict.isolated:
        try:
            _judge(verdict, wanted, host)
        except Refused as error:
            raise Refused(f"{error} The live configuration is as it was.") from error
    else:
        wanted.warnings.append(
            "the candidate could not be tested apart from the live configuration, because the kernel refused a "
            f"private mount namespace ({'; '.join(verdict.messages)}): it is tested after the switch, and taken back "
            "if it fails"
        )
    return verdict.isolated


def _judge(verdict: nginx.Verdict, wanted: Plan, host: Mapping[str, Any]) -> None:
    ours = {name.lower() for site in wanted.candidate.sites.values() for name in site["server_name"]}
    taken = nginx.conflicts(verdict.messages, ours)
    if taken:
        sites = [name for name, site in wanted.candidate.sites.items() if set(site["server_name"]) & set(taken)]
        raise Refused(
            f"server_name {', '.join(taken)} of site {', '.join(sites)} is already served by "
            "another server block of this host: nginx would ignore one of the two. Remove it there or here."
        )
    if not verdict.valid:
        words = [f"{line}. {nginx.blame(line, host['conf_dir'])}".strip() for line in verdict.messages]
        raise Refused(f"nginx refuses the new configuration: {' '.join(words)}")
    wanted.warnings.extend(line for line in verdict.messages if "gatehouse/" in line)


def _switch(host: Mapping[str, Any], number: int, files: Mapping[str, str], entries: Mapping[str, str | None]) -> None:
    home = generations.root(host["conf_dir"])
    generations.write(home / "generations" / str(number), files)
    original = _text(host["conf_path"]) or ""
    if entries[host["conf_path"]] != original and not entry.is_ours(original):
        _replace(_saved(host), original)
    _link(home / "live", f"generations/{number}")
    for path, content in entries.items():
        if content is None:
            Path(path).unlink(missing_ok=True)
        elif content != _text(path):
            _replace(Path(path), content)


def _create_logs(sites: Mapping[str, Any], user: str) -> None:
    """Create the missing access logs as the distribution does: nginx itself would let anyone read them."""
    owner = pwd.getpwnam(user)
    try:
        group = grp.getgrnam("adm").gr_gid
    except KeyError:
        group = owner.pw_gid
    for name in sites:
        path = Path(f"/var/log/nginx/{name}.access.log")
        if path.parent.is_dir() and not path.exists():
            path.touch(mode=0o640)
            os.chown(path, owner.pw_uid, group)


def _switch_back(host: Mapping[str, Any], wanted: Plan) -> None:
    home = generations.root(host["conf_dir"])
    for path, content in wanted.entries_before.items():
        if content is None:
            Path(path).unlink(missing_ok=True)
        elif content != _text(path):
            _replace(Path(path), content)
    if wanted.live.number:
        _link(home / "live", f"generations/{wanted.live.number}")
    else:
        (home / "live").unlink()


def _link(path: Path, target: str) -> None:
    """Point the symlink *path* to *target* with one rename(2)."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
    generations.sync_directory(path.parent)


def _replace(path: Path, content: str) -> None:
    """Write *content* to *path* with one rename(2), mode and owner kept; a symlink is written through."""
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    before = path.stat() if path.exists() else None
    temporary.chmod(before.st_mode & 0o7777 if before else 0o644)
    if before:
        os.chown(temporary, before.st_uid, before.st_gid)
    temporary.replace(path)
    generations.sync_directory(path.parent)
