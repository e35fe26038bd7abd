# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render the units of an app and the files of its releases. Each environment quotes the values that it renders."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Options
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import valkey_options
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.sandbox import slice_name
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
# Programs that run on the host. They are the role's, so that linters and tests read them as what they are.
PROGRAMS = Path(__file__).parents[3] / "roles" / "django_app" / "files"
COPIED = tuple(
    f"gatehouse_{name}.py"
    for name in (
        *("settings", "compress", "prepare", "server", "prefix", "errors", "check", "variables", "first"),
        *("database", "locking", "migrate", "copy", "rehearse"),
    )
)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


# Units that an app may use on its host. Where one does not exist, systemd ignores its name.
SERVICES = (
    *("postgresql.service", "mariadb.service", "mysql.service", "redis-server.service", "valkey-server.service"),
    "rabbitmq-server.service",
)


class Raw(str):
    """Text that is already quoted for the file."""


def command_line(command: str) -> Raw:
    """Convert *command* for ExecStart: split it as a shell does, and quote each word literally.

    `manage.py` runs with the Python that comes first in PATH, that of the virtual environment.
    """
    words = shlex.split(command)
    return Raw(" ".join(_word(word) for word in [*(["python"] if words[0] == "manage.py" else []), *words]))


def _word(word: str) -> str:
    # systemd expands `%` specifiers and `$` variables (systemd.service(5), "Command lines").
    for character, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(character, written)
    return f'"{word}"'


def systemd_value(value: object) -> str:
    """Quote *value* for a unit file, where `%` begins a specifier (systemd.unit(5)) and a line break ends the value."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int)) or CONTROL.search(str(value)):
        raise TypeError(f"{value!r} cannot be written into a unit file")
    return str(value).replace("%", "%%")


def python_value(value: object) -> str:
    """Quote *value* for a Python file."""
    return value if isinstance(value, Raw) else repr(value)


def _environment(quote: Callable[[object], str]) -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        finalize=quote,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # HTML escaping is not quoting here: finalize does that
    )


UNITS = _environment(systemd_value)
UNITS.filters["command_line"] = command_line
PYTHON = _environment(python_value)


def program(name: str) -> str:
    """Return the text of a file of the role."""
    return (PROGRAMS / name).read_text(encoding="utf-8").rstrip()


def files(params: Options) -> dict[str, str]:
    """Render the files in the directory `gatehouse` of a release, contents by name."""
    more = {
        "wsgi_app": f"gatehouse_server:{params['interface']}({params['application']!r})",
        "one_more_than_cpus": Raw("len(os.sched_getaffinity(0)) + 1"),
    }
    conf = PYTHON.get_template("gunicorn.conf.py.j2").render({**params, **more})
    return {**{name: program(name) for name in COPIED}, "gunicorn.conf.py": conf}


def units(params: Options, home: str, sandbox: Sequence[str]) -> dict[str, str]:
    """Render the unit files of an app and its `manage`, contents by path."""
    app = params["app"]
    common: dict[str, object] = {**params, "home": home, "sandbox": sandbox, "memory": Raw(params["limits"]["memory"])}
    common["services"] = " ".join([*SERVICES, *valkey_options.units(params)])

    def text(template: str, **more: object) -> str:
        return UNITS.get_template(f"{template}.j2").render(common | more)

    found = {f"{UNIT_DIRECTORY}/{slice_name(app)}": text("app.slice"), f"{home}/manage": _manage(app, home, sandbox)}
    for name in ("web@.socket", "web@.service", "web.service"):
        found[f"{UNIT_DIRECTORY}/{app}-{name}"] = text(name)
    for process in params["processes"]:
        found[f"{UNIT_DIRECTORY}/{app}-{process['name']}.service"] = text("process.service", process=process)
    for timer in params["timers"]:
        for kind in ("service", "timer"):
            found[f"{UNIT_DIRECTORY}/{app}-{timer['name']}.{kind}"] = text(f"timer.{kind}", timer=timer)
    return found


def _manage(app: str, home: str, sandbox: Sequence[str]) -> str:
    arguments = f"    {json.dumps(app)},\n    {json.dumps(home)},\n    {json.dumps(sandbox, ensure_ascii=False)},\n"
    mark = f"# Made by Gatehouse for the app {app}; changes are overwritten."
    return f"#!/usr/bin/python3 -IS\n{mark}\n{program('gatehouse_manage.py')}\n\n\nmain(\n{arguments})\n"
