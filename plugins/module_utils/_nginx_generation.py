# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generations: complete directories of nginx files, of which one symlink names the live one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEEP = 10


@dataclass
class Generation:
    """One generation: its number (0: none yet), its files by relative path, and who they belong to."""

    number: int = 0
    files: dict[str, str] = field(default_factory=dict)
    owns_nginx_conf: bool | None = None
    sites: dict[str, dict[str, list[str]]] = field(default_factory=dict)


def root(conf_dir: str) -> Path:
    """The directory that holds everything Gatehouse keeps below nginx's configuration directory."""
    return Path(conf_dir) / "gatehouse"


def read_live(conf_dir: str) -> Generation:
    """The live generation, an empty one with the number 0 where there is none, or where somebody has removed it."""
    live = root(conf_dir) / "live"
    if not (live / "state.json").is_file():
        return Generation()
    files = {
        str(path.relative_to(live)): path.read_text(encoding="utf-8")
        for path in sorted(live.rglob("*"))
        if path.is_file()
    }
    state = json.loads(files["state.json"])
    return Generation(int(os.readlink(live).rpartition("/")[2]), files, state["owns_nginx_conf"], state["sites"])


def compose(
    live: Generation,
    rendered: Mapping[str, Any],
    absent: list[str],
    *,
    purge: bool,
    owns_nginx_conf: bool,
) -> Generation:
    """The candidate: the live generation with the rendered sites put in and the absent ones taken out.

    Raises ValueError where two sites claim one server_name on one port, which nginx would only warn about, and where
    nginx.conf is ours but neither rendered nor there.
    """
    kept = {} if purge else {name: site for name, site in live.sites.items() if name not in absent}
    sites = dict(sorted({**kept, **{name: _claims(site) for name, site in rendered["sites"].items()}}.items()))
    _refuse_shared_names(sites)
    files = dict(rendered["shared"])
    if owns_nginx_conf:
        main = rendered["main"].get("nginx.conf") or live.files.get("nginx.conf")
        if main is None:
            raise ValueError(
                "nginx.conf is managed, but the live generation that it includes is gone: "
                "run the role gatehouse.django.nginx, which makes it anew"
            )
        files["nginx.conf"] = main
        addresses = dict.fromkeys(address for site in sites.values() for address in site["listen"])
        lines = [f"listen {address} default_server;\n" for address in sorted(addresses or {"80": None})]
        files["default_listen.conf"] = "".join(lines)
    for name in sites:
        path = f"sites/{name}.conf"
        files[path] = rendered["sites"][name]["content"] if name in rendered["sites"] else live.files[path]
    files["state.json"] = json.dumps({"owns_nginx_conf": owns_nginx_conf, "sites": sites}, indent=2) + "\n"
    return Generation(live.number, files, owns_nginx_conf, sites)


def _claims(site: Mapping[str, Any]) -> dict[str, list[str]]:
    return {"listen": list(site["listen"]), "server_name": list(site["server_name"])}


def _refuse_shared_names(sites: Mapping[str, Mapping[str, list[str]]]) -> None:
    owners: dict[tuple[str, str], str] = {}
    for name, site in sites.items():
        for server_name in site["server_name"]:
            for port in {listen.rpartition(":")[2] for listen in site["listen"]}:
                other = owners.setdefault((server_name.lower(), port), name)
                if other != name:
                    raise ValueError(
                        f"server_name '{server_name}' is claimed by site '{other}' and by site '{name}' "
                        f"on port {port}: nginx would ignore one of them; "
                        "remove it from one, or set state: absent for the old site"
                    )


def next_number(conf_dir: str) -> int:
    """A number that no generation on this host has had."""
    directory = root(conf_dir) / "generations"
    taken = [int(path.name) for path in directory.glob("[0-9]*")] if directory.is_dir() else []
    return max(taken, default=0) + 1


def write(directory: Path, files: Mapping[str, str]) -> None:
    """Write *files* below *directory*; they are on the disk before this returns.

    Anyone may read them: nginx's workers, which send the error pages, are not root.
    """
    for relative, content in files.items():
        path = directory / relative
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        path.chmod(0o644)
    for path in (directory, *(entry for entry in directory.rglob("*") if entry.is_dir())):
        path.chmod(0o755)
        sync_directory(path)


def sync_directory(path: Path) -> None:
    """Bring the names in a directory to the disk (fsync(2): the file's own fsync does not)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prune(conf_dir: str, live: int) -> None:
    """Remove all but the newest KEEP generations; never the live one."""
    directory = root(conf_dir) / "generations"
    numbers = sorted(int(path.name) for path in directory.glob("[0-9]*"))
    for number in numbers[:-KEEP]:
        if number != live:
            shutil.rmtree(directory / str(number))
