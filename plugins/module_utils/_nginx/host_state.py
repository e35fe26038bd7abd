# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of Gatehouse in nginx's configuration, and the switch from one state of them to another.

Each step is one rename(2), and nginx accepts the configuration after each step, so a run may be killed at any point.
A file of the operator that a site replaces (a takeover) moves before the link of the live generation does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import certificates, include_hook
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import generation as generations
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts


@dataclass
class HostState:
    """A generation, and by path the entry files and changed certificates, None for a file that does not exist."""

    generation: generations.Generation
    entries: dict[str, str | None]
    certificates: dict[str, str | None] = field(default_factory=dict)
    # Files of the operator that this state has elsewhere, by their former path. nginx includes them here or there.
    moves: dict[str, str] = field(default_factory=dict)


def state_with(host: NginxFacts, generation: generations.Generation) -> HostState:
    """The state with *generation* live; raises NoInclude if nginx.conf includes no directory for the entry file."""
    entries = include_hook.entry_files(
        host["conf_dir"], host["conf_path"], original_nginx_conf(host), owns_nginx_conf=bool(generation.owns_nginx_conf)
    )
    return HostState(generation, entries)


def current_state(entries: Mapping[str, str | None], live: generations.Generation) -> HostState:
    """The current state of the host: the generation *live* and the content of the files in *entries*."""
    return HostState(live, {path: files.read(path) for path in entries})


def original_nginx_conf(host: NginxFacts) -> str:
    """The operator's nginx.conf: the live file, or the saved one if Gatehouse has replaced it."""
    text = files.read(host["conf_path"]) or ""
    return files.read(_saved_nginx_conf(host)) or "" if include_hook.is_entry_file(text) else text


def switch(host: NginxFacts, state: HostState) -> None:
    """Bring the host to *state*, whose generation is already built."""
    # The generation refers to the certificates: install them first, and remove unused ones last.
    certificates.install(state.certificates)
    _move(state.moves)
    conf_path = host["conf_path"]
    current = files.read(conf_path) or ""
    if state.entries[conf_path] != current and not include_hook.is_entry_file(current):
        files.replace(_saved_nginx_conf(host), current)
    # A managed nginx.conf includes that of the live generation, so the live generation must always have one.
    gives_back = include_hook.is_entry_file(current) and not include_hook.is_entry_file(state.entries[conf_path] or "")
    if gives_back or not state.generation.number:
        _write_entry_files(conf_path, state.entries)
        _point_live_link(host["conf_dir"], state.generation.number)
    else:
        _point_live_link(host["conf_dir"], state.generation.number)
        _write_entry_files(conf_path, state.entries)
    for path, content in state.certificates.items():
        if content is None:
            files.remove(Path(path))


def clean_up_interrupted_run(host: NginxFacts) -> None:
    """Remove the candidates and temporary files that a killed run has left."""
    conf_dir = host["conf_dir"]
    generations.remove_unserved(conf_dir)
    certificates.remove_temporary_files(conf_dir)
    entry_paths = (directory / include_hook.ENTRY for directory in Path(conf_dir).iterdir() if directory.is_dir())
    files.sweep([Path(host["conf_path"]), _saved_nginx_conf(host), generations.link(conf_dir), *entry_paths])


def _point_live_link(conf_dir: str, number: int) -> None:
    if number:
        files.point(generations.link(conf_dir), f"generations/{number}")
    else:
        files.remove(generations.link(conf_dir))


def _write_entry_files(conf_path: str, entries: Mapping[str, str | None]) -> None:
    """Write new files beside nginx.conf first, then nginx.conf, and remove superfluous files last."""
    for path, content in sorted(entries.items(), key=lambda item: (item[1] is None, item[0] == conf_path)):
        if content is None:
            files.remove(Path(path))
        elif content != files.read(path):
            files.replace(Path(path), content)


def _move(moves: Mapping[str, str]) -> None:
    """Rename each file that still has its former path. A link moves with its target as it is written."""
    for former, path in moves.items():
        if os.path.lexists(former):
            files.make_directory(Path(path).parent)
            os.rename(former, path)
            for directory in (Path(former).parent, Path(path).parent):
                files.sync_directory(directory)


def _saved_nginx_conf(host: NginxFacts) -> Path:
    return generations.root(host["conf_dir"]) / "nginx.conf.original"
