# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a project's settings in a process of the app, with the app's environment and sandbox."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import in_sandbox
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import disk_space, untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._core import run as commands
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import RUN_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import environment
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import project_reader, report
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Project

# Seconds. The program ends itself before; systemd ends settings that hang where no signal reaches them.
LIMIT_SECONDS = project_reader.SECONDS + 5
# The first version whose worker for ASGI tells the app the scheme, as those for WSGI always have.
KNOWS_SCHEME = [27]

# Runs a command whose output the app decides: its arguments, its input; (code, output, error) out.
Run = Callable[[list[str], str], tuple[int, str, str]]


class Unreadable(Exception):
    """The settings of a project cannot be read; the text says why."""


class NoProcess(Exception):
    """systemd can start no process, which is not the project's fault; the text says why."""


def limited(seconds: int) -> Run:
    """Return what runs a command() of so many *seconds* with a limit on its time and its output."""

    def run(argv: list[str], data: str) -> tuple[int, str, str]:
        return commands.run_limited(argv, data=data, seconds=seconds + 5)

    return run


run_limited = limited(LIMIT_SECONDS)


def read_project(app: App, run: Run = run_limited) -> Project:
    """Read the settings of the release that is served; raise Unreadable or NoProcess."""
    release = app.release(app.current())
    code, out, err = run(command(app, release), inspect.getsource(project_reader))
    try:
        answer = report.parse(out)
    except report.Malformed as error:
        raise Unreadable(str(error)) from None
    if answer is None:
        raise Unreadable(_why_no_report(release, code, err))
    if answer.error or answer.settings is None:
        raise Unreadable(f"{answer.error}.")
    return Project(
        values=answer.settings,
        module=answer.module,
        inventory=frozenset(answer.inventory),
        variables=environment(f"{release}/env"),
        server_knows_scheme=_server_knows_scheme(release) or answer.gunicorn >= KNOWS_SCHEME,
        static=answer.static,
        media=answer.media,
        prefix=answer.prefix,
    )


def command(app: App, release: str, seconds: int = LIMIT_SECONDS, more: Sequence[str] = ()) -> list[str]:
    """The command that runs a program from standard input in the environment and sandbox of the app's processes.

    systemd ends it after *seconds*. *more* are further properties of its unit.
    """
    return [*in_sandbox.command(app, release, seconds, more), "-"]


def _server_knows_scheme(release: str) -> bool:
    """Whether the release has gatehouse_server.py. One that an older Gatehouse made relies on gunicorn alone."""
    configuration = untrusted.read(f"{release}/gatehouse/gunicorn.conf.py")
    return "gatehouse_server" in configuration or 'worker_class = "asgi"' not in configuration


def _why_no_report(release: str, code: int, err: str) -> str:
    python = f"{release}/venv/bin/python"
    # One step: the app's Python may lead anywhere from there.
    target = os.readlink(python) if os.path.islink(python) else python
    if not os.path.lexists(os.path.join(os.path.dirname(python), target)):
        return f"its Python, '{target}', no longer exists."
    # The project's own output may contain a secret; systemd's does not.
    messages = [line for line in err.splitlines() if line.startswith("Failed to ")]
    # systemd writes the transient unit of each new process below it.
    lack = disk_space.lack(RUN_DIRECTORY) if messages else ""
    if lack:
        raise NoProcess(f"systemd cannot start the process that reads them, because {RUN_DIRECTORY} {lack}.")
    return f"{messages[-1] if messages else f'their process ended with {code}'}."
