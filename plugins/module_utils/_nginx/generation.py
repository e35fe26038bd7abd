# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and write generations: complete directories of nginx files. A symlink points to the live one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import files as disk
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import SiteRecord

KEEP = 10
# Below it are the files with hashed passwords: only root and nginx's workers may read them.
PASSWORDS = "passwords/"
PASSWORDS_MODE = 0o640
# Below it are the files with the authorities of servers that nginx connects to over TLS.
AUTHORITIES = "authorities/"
# The mode of a generation whose transaction succeeded; before that, it is writable.
SEALED = 0o555


@dataclass
class Generation:
    """A generation: its number (0: none yet), its files by relative path, and its sites."""

    number: int = 0
    files: dict[str, str] = field(default_factory=dict)
    owns_nginx_conf: bool | None = None
    sites: dict[str, SiteRecord] = field(default_factory=dict)


def root(conf_dir: str) -> Path:
    """Gatehouse's directory below nginx's configuration directory."""
    return Path(conf_dir) / "gatehouse"


def link(conf_dir: str) -> Path:
    """The symlink to the live generation."""
    return root(conf_dir) / "live"


def directory(conf_dir: str, number: int) -> Path:
    """The directory of generation *number*."""
    return root(conf_dir) / "generations" / str(number)


def live_number(conf_dir: str) -> int:
    """The number of the live generation, 0 if there is none or the link to it is broken.

    Raises ValueError if the link is another kind of file.
    """
    live = link(conf_dir)
    if os.path.lexists(live) and not live.is_symlink():
        raise ValueError(f"{live} is not a symbolic link made by Gatehouse: move it away and run this again")
    number = os.readlink(live).rpartition("/")[2] if (live / "state.json").is_file() else ""
    return int(number) if number.isdecimal() else 0


def read_live(conf_dir: str) -> Generation:
    """Read the live generation, an empty one with the number 0 if there is none."""
    number = live_number(conf_dir)
    return read(conf_dir, number) if number else Generation()


def read_base(conf_dir: str) -> Generation:
    """Read the generation that a change starts from: the live one, or the newest sealed one if the link is lost."""
    number = base_number(conf_dir)
    return read(conf_dir, number) if number else Generation()


def base_number(conf_dir: str) -> int:
    """The number of the generation that a change starts from, 0 for none."""
    return live_number(conf_dir) or newest_sealed(conf_dir)


def newest_sealed(conf_dir: str) -> int:
    """The number of the newest sealed generation that can be read, 0 for none."""
    for number in reversed(numbers(conf_dir)):
        try:
            read(conf_dir, number)
        except (OSError, ValueError):
            continue
        return number
    return 0


def problem(conf_dir: str, number: int) -> str | None:
    """The reason why state.json of generation *number* cannot be read, None if it can."""
    try:
        read_record(conf_dir, number)
    except ValueError as error:
        return str(error)
    return None


def read(conf_dir: str, number: int) -> Generation:
    """Read generation *number*; raises ValueError if its state.json is damaged."""
    home = str(directory(conf_dir, number))
    files = {}
    for place, _directories, names in os.walk(home):
        for name in names:
            # A picture among the pages must stay as it is: no newlines are translated.
            with open(f"{place}/{name}", encoding="utf-8", errors=disk.BYTES, newline="") as file:
                files[f"{place}/{name}"[len(home) + 1 :]] = file.read()
    return Generation(number, files, *read_record(conf_dir, number))


def read_record(conf_dir: str, number: int) -> tuple[bool, dict[str, SiteRecord]]:
    """Read state.json: whether generation *number* has an nginx.conf, and its sites; raises ValueError as read."""
    path = directory(conf_dir, number) / "state.json"
    try:
        record = json.loads(path.read_bytes())
        return bool(record["owns_nginx_conf"]), dict(record["sites"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged ({error}): restore it from a backup, "
            f"or point {link(conf_dir)} to another generation in {path.parent.parent}"
        ) from error


def numbers(conf_dir: str) -> list[int]:
    """The sealed generations and the live one, oldest first."""
    live = live_number(conf_dir)
    return [number for number, _path in _all_generations(conf_dir) if number == live or is_sealed(conf_dir, number)]


def _all_generations(conf_dir: str) -> list[tuple[int, Path]]:
    return sorted(
        (int(path.name), path) for path in (root(conf_dir) / "generations").glob("*") if path.name.isdecimal()
    )


def resolve(conf_dir: str, requested: str) -> int:
    """Resolve a number or ``previous`` to the number of a generation; raises ValueError if it does not exist."""
    kept = numbers(conf_dir)
    if requested == "previous":
        base = base_number(conf_dir)
        older = [number for number in kept if number < base]
        if not older:
            raise ValueError("generation 'previous': this host has no generation older than the live one")
        return older[-1]
    if not requested.isdecimal() or int(requested) not in kept:
        remedy = f"use 'previous' or one of {', '.join(map(str, kept))}" if kept else "this host has none yet"
        raise ValueError(f"generation '{requested}' does not exist on this host: {remedy}")
    return int(requested)


def next_number(conf_dir: str) -> int:
    """The number for a new generation."""
    return max((number for number, _path in _all_generations(conf_dir)), default=0) + 1


def pages_of(name: str) -> str:
    """The directory of the pages of the site *name*, which has some of its own."""
    return f"pages_{name}/"


def of_site(files: Mapping[str, str], name: str) -> dict[str, str]:
    """Those of *files* that belong to the site *name*, beside its configuration."""
    own = (f"{PASSWORDS}{name}.", f"{AUTHORITIES}{name}.", pages_of(name))
    return {path: content for path, content in files.items() if path.startswith(own)}


def build(conf_dir: str, number: int, files: Mapping[str, str], group: int = 0) -> None:
    """Create generation *number* from *files*; they are on the disk before the directory gets its name.

    It is world-readable: nginx's workers, which send the error pages, are not root. *group* is theirs, and only it can
    read hashed passwords.
    """
    home = directory(conf_dir, number)
    disk.make_directory(home.parent)
    new = disk.temporary(home)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o755)
    for relative, content in files.items():
        path = new / relative
        path.parent.mkdir(mode=0o755, exist_ok=True)
        secret = relative.startswith(PASSWORDS)
        disk.write(path, content, PASSWORDS_MODE if secret else 0o644)
        if secret:
            os.chown(path, 0, group)
    for path in (*(entry for entry in new.iterdir() if entry.is_dir()), new):
        path.chmod(0o755)
        disk.sync_directory(path)
    new.replace(home)
    disk.sync_directory(home.parent)


def is_sealed(conf_dir: str, number: int) -> bool:
    """Whether the transaction of generation *number* succeeded."""
    return directory(conf_dir, number).stat().st_mode & 0o777 == SEALED


def seal(conf_dir: str, number: int) -> None:
    """Record that the transaction of generation *number* succeeded."""
    directory(conf_dir, number).chmod(SEALED)


def remove_unserved(conf_dir: str) -> None:
    """Remove generations that never became live: candidates of killed and refused runs."""
    kept = set(numbers(conf_dir))
    for number, path in _all_generations(conf_dir):
        if number not in kept:
            shutil.rmtree(path)
    for path in (root(conf_dir) / "generations").glob(".*.gatehouse-new"):
        shutil.rmtree(path)


def prune(conf_dir: str) -> None:
    """Remove all but the newest KEEP generations, but never the live one."""
    live = live_number(conf_dir)
    for number in numbers(conf_dir)[:-KEEP]:
        if number != live:
            # Rename it first: a partly removed generation must not look complete.
            home = directory(conf_dir, number)
            shutil.rmtree(home.replace(disk.temporary(home)))
