# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the settings of the projects that a host serves, each inside its own environment, and compares them."""

from __future__ import annotations

import inspect
import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils import _doctor_project_reader
from ansible_collections.gatehouse.django.plugins.module_utils._app_host import App
from ansible_collections.gatehouse.django.plugins.module_utils._app_run import ReleaseError, RunCommand
from ansible_collections.gatehouse.django.plugins.module_utils._doctor_django import Project
from ansible_collections.gatehouse.django.plugins.module_utils._doctor_finding import Finding, Served
from ansible_collections.gatehouse.django.plugins.module_utils._doctor_settings import compare

# Seconds. The program ends itself before; settings that hang where no signal reaches them are ended by systemd.
LIMIT = _doctor_project_reader.SECONDS + 5
# The first version whose worker for ASGI tells the app the scheme, as those for WSGI always have.
KNOWS_SCHEME = [27]


class Unreadable(Exception):
    """A project's settings are not to be had; the text says why."""


def examine(run_command: RunCommand, sites: Sequence[Served], root: str = "/srv") -> list[Finding]:
    """What of the projects' settings does not fit the *sites* of the host, which are all that it has."""
    secure = [name for served in sites if served.tls for name in served.names]
    found: list[Finding] = []
    for name in dict.fromkeys(served.app for served in sites):
        app = App(name, root)
        if not os.path.isdir(app.link):
            # Nothing is served: whoever looks at the host says so.
            continue
        ours = [served for served in sites if served.app == name]
        try:
            project = read(run_command, app)
        except (Unreadable, ReleaseError) as error:
            remedy = f"`{app.home}/manage check` shows the whole traceback: repair what it names."
            cause = f"The settings of app {name} do not load: {error}"
            found += [Finding(served.site, cause, remedy) for served in ours]
            continue
        found += [finding for served in ours for finding in compare(project, served, secure)]
    # A site has a server for each address; what is wrong with it is said once.
    return list(dict.fromkeys(found))


def read(run_command: RunCommand, app: App) -> Project:
    """The settings of the release that is served."""
    release = app.release(app.current())
    program = inspect.getsource(_doctor_project_reader)
    code, out, err = run_command(command(app, release), data=program, handle_exceptions=False)
    try:
        answer: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise Unreadable(silence(app, release, code, err)) from None
    if "error" in answer:
        raise Unreadable(f"{answer['error']}.")
    configuration = Path(release, "gatehouse", "gunicorn.conf.py").read_text(encoding="utf-8")
    # Of a release that an older Gatehouse has made, gunicorn alone tells the scheme.
    knows_scheme = "gatehouse_server" in configuration or 'worker_class = "asgi"' not in configuration
    return Project(
        values=answer["settings"],
        module=answer["module"],
        inventory=frozenset(answer["inventory"]),
        server_knows_scheme=knows_scheme or answer["gunicorn"] >= KNOWS_SCHEME,
    )


def command(app: App, release: str) -> list[str]:
    """What runs a program from standard input as the app's processes run, in its environment and sandbox."""
    properties = [
        # Whatever the rest says: never as root.
        *(f"--property={who}={app.name}" for who in ("User", "Group")),
        *sandbox(app.record(os.path.basename(release))["units"].get(f"{app.home}/manage", "")),
        # systemd reads the secrets: they are in no argument, and this process never has them.
        f"--property=EnvironmentFile={release}/env",
        f"--property=WorkingDirectory={release}/project",
        f"--property=RuntimeMaxSec={LIMIT}",
    ]
    return [
        "systemd-run",
        "--quiet",
        "--wait",
        "--pipe",
        "--collect",
        *properties,
        "--",
        f"{release}/venv/bin/python",
        "-",
    ]


def sandbox(manage: str) -> list[str]:
    """The properties that the app's `manage` runs with, but for those that depend on the release."""
    lines = [line.strip().removesuffix("\\") for line in manage.splitlines()]
    given = [line for line in lines if line.startswith("--property=") and "$path" not in line]
    return [word for line in given for word in shlex.split(line)]


def silence(app: App, release: str, code: int, err: str) -> str:
    """Why there is no answer."""
    python = f"{release}/venv/bin/python"
    if not os.path.exists(python):
        return f"its Python, '{os.path.realpath(python)}', is not there any more."
    # The project's own words may hold a secret; systemd's do not.
    said = [line for line in err.splitlines() if line.startswith("Failed to ")]
    return f"{said[-1] if said else f'their process ended with {code}'}."
