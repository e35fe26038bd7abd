# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the settings of the projects that a host serves, each inside its own environment, and compares them."""

from __future__ import annotations

import inspect
import os
import shlex
from collections.abc import Callable, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core import run as commands
from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import reported
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.django import Project
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding, Served, guarded
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import project_reader
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.compare import compare

# Seconds. The program ends itself before; settings that hang where no signal reaches them are ended by systemd.
LIMIT = project_reader.SECONDS + 5
# The first version whose worker for ASGI tells the app the scheme, as those for WSGI always have.
KNOWS_SCHEME = [27]


class Unreadable(Exception):
    """A project's settings are not to be had; the text says why."""


# Runs a command whose output the app decides: its arguments, its input; (code, output, error) out.
Run = Callable[[list[str], str], tuple[int, str, str]]


def run_limited(argv: list[str], data: str) -> tuple[int, str, str]:
    """Run it for no longer than a project gets, and keep no more of its output than the doctor's own program prints."""
    return commands.run_limited(argv, data=data, seconds=LIMIT + 5)


def examine(sites: Sequence[Served], root: str = "/srv", run: Run = run_limited) -> list[Finding]:
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
            project = read(app, run)
        except (Unreadable, ReleaseError, OSError, ValueError) as error:
            remedy = f"`{app.home}/manage check` shows the whole traceback: repair what it names."
            cause = f"The settings of app {name} do not load: {error}"
            found += [Finding(served.site, cause, remedy) for served in ours]
            continue
        for served in ours:
            found += guarded(served.site, f"the settings of app {name}", compare, project, served, secure)
    # A site has a server for each address; what is wrong with it is said once.
    return list(dict.fromkeys(found))


def read(app: App, run: Run = run_limited) -> Project:
    """The settings of the release that is served."""
    release = app.release(app.current())
    program = inspect.getsource(project_reader)
    code, out, err = run(command(app, release), program)
    try:
        answer = reported.parse(out)
    except reported.Malformed as error:
        raise Unreadable(str(error)) from None
    if answer is None:
        raise Unreadable(silence(app, release, code, err))
    if answer.error:
        raise Unreadable(f"{answer.error}.")
    configuration = untrusted.read(f"{release}/gatehouse/gunicorn.conf.py")
    # Of a release that an older Gatehouse has made, gunicorn alone tells the scheme.
    knows_scheme = "gatehouse_server" in configuration or 'worker_class = "asgi"' not in configuration
    return Project(
        values=dict(answer.settings),
        module=answer.module,
        inventory=frozenset(answer.inventory),
        server_knows_scheme=knows_scheme or answer.gunicorn >= KNOWS_SCHEME,
        directories=answer.directories,
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
    # One step: where a link leads to in the end is not the app's business.
    target = os.readlink(python) if os.path.islink(python) else python
    if not os.path.lexists(os.path.join(os.path.dirname(python), target)):
        return f"its Python, '{target}', is not there any more."
    # The project's own words may hold a secret; systemd's do not.
    said = [line for line in err.splitlines() if line.startswith("Failed to ")]
    return f"{said[-1] if said else f'their process ended with {code}'}."
