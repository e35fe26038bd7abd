# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads which data a project has: of the hand-made site as its own user, of the app in its sandbox.

The project decides what is reported. So root never opens a path of a report: copying.py reads as the old user and
writes as the app's.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run, run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service, describe
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import reading
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import settings_reader

START_SECONDS = 10.0
POLL_SECONDS = 0.2
# Replaces itself by the command in its input.
START = "import json, os, sys; one = json.load(sys.stdin); os.execve(one['argv'][0], one['argv'], one['environment'])"


class Unreadable(Exception):
    """The data of a project cannot be read; the text says why."""


@dataclass(frozen=True)
class Database:
    """A database of a project; *name* is a path where *is_file*."""

    engine: str
    name: str
    host: str = ""
    port: str = ""
    is_file: bool = False
    # Bytes, -1 for a file that does not exist.
    size: int = 0


@dataclass(frozen=True)
class Project:
    """The data of a project."""

    module: str
    databases: Mapping[str, Database] = field(default_factory=dict)
    # MEDIA_ROOT, empty for none.
    media: str = ""
    media_size: int = -1
    # A digest of SECRET_KEY.
    key: str = ""


@dataclass(frozen=True)
class Process:
    """A process whose rights and environment another program gets."""

    user: int
    group: int
    groups: tuple[int, ...]
    directory: str
    environment: Mapping[str, str] = field(repr=False)

    def command(self, *words: str) -> list[str]:
        """The command that runs *words* with its rights."""
        groups = f"--groups={','.join(map(str, self.groups))}" if self.groups else "--clear-groups"
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.group}", groups, "--", *words]


def started(run: Run, service: Service, address: str) -> Service:
    """The running *service*: a connection starts it where a socket unit belongs to it, as a visitor does."""
    deadline = time.monotonic() + START_SECONDS
    if not service.pid and service.sockets:
        _connect(address)
    while not service.pid and time.monotonic() < deadline and service.sockets:
        time.sleep(POLL_SECONDS)
        service = describe(run, [service.unit]).get(service.unit, service)
    if not service.pid:
        raise Unreadable(f"{service.unit} does not run: `systemctl start {service.unit}`")
    return service


def _connect(address: str) -> None:
    path = address.removeprefix("unix:")
    family = socket.AF_UNIX if path != address else socket.AF_INET
    name, _colon, port = address.rpartition(":")
    with socket.socket(family) as client:
        client.settimeout(START_SECONDS)
        client.connect(path if path != address else (name, int(port)))


def process_of(service: Service) -> Process:
    """The rights and the environment of the service's main process."""
    try:
        with open(f"/proc/{service.pid}/status", encoding="utf-8") as file:
            status = dict(line.partition(":\t")[::2] for line in file.read().splitlines())
        with open(f"/proc/{service.pid}/environ", "rb") as file:
            words = [os.fsdecode(word) for word in file.read().split(b"\0")]
    except OSError as error:
        raise Unreadable(f"{service.unit} has ended: {error}") from error
    environment = dict(word.partition("=")[::2] for word in words if re.match(r"\w+=", word))
    return Process(
        user=int(status["Uid"].split()[0]),
        group=int(status["Gid"].split()[0]),
        groups=tuple(map(int, status["Groups"].split())),
        directory=service.directory,
        environment={name: text for name, text in environment.items() if not name.startswith("LISTEN_")},
    )


def read_old(service: Service) -> tuple[Project, Process]:
    """The data of the hand-made site, and the rights to read them with."""
    if not service.python:
        raise Unreadable(f"the command of {service.unit} is not in a virtual environment: {' '.join(service.argv)}")
    process = process_of(service)
    # The environment may hold secrets and LD_PRELOAD: only a process that has the user's rights already gets it.
    program = [service.python, "-c", inspect.getsource(settings_reader), service.application]
    given = {"argv": program, "environment": process.environment}
    limit = str(settings_reader.SECONDS + 5)
    command = process.command("timeout", limit, sys.executable, "-I", "-c", START)
    code, out, _err = run_bounded(command, cwd=service.directory, data=json.dumps(given))
    return parse(out, code), process


def read_new(app: App) -> Project:
    """The data of the release that is served."""
    command = [*reading.command(app, app.release(app.current())), ""]
    code, out, _err = reading.run_limited(command, inspect.getsource(settings_reader))
    return parse(out, code)


def parse(output: str, code: int = 0) -> Project:
    """The project of a report, of which the project decides every byte; raise Unreadable."""
    lines = output.strip().splitlines()
    try:
        answer = json.loads(lines[-1]) if lines else None
        if isinstance(answer, dict) and "error" in answer:
            raise Unreadable(harmless(str(answer["error"])[:500]))
        return _project(answer)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unreadable(f"the process that reads its settings ended with {code} and without a report") from None


def _project(answer: Any) -> Project:
    databases = {
        str(alias): Database(
            engine=str(given["engine"]),
            name=str(given["name"]),
            host=str(given["host"]),
            port=str(given["port"]),
            is_file=given["is_file"] is True,
            size=int(given["size"]),
        )
        for alias, given in answer["databases"].items()
    }
    paths = [one.name for one in databases.values() if one.is_file] + [str(answer["media"]["path"])]
    if any("\0" in path or (path and not os.path.isabs(path)) for path in paths):
        raise ValueError("not a path")
    found = Project(str(answer["module"]), databases, str(answer["media"]["path"]), int(answer["media"]["size"]))
    return replace(found, key=str(answer["key"]))
