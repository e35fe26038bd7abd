# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Derive the plan of a release and its secrets from the options of an app."""

from __future__ import annotations

import json
import re
import shlex

from ansible_collections.gatehouse.django.plugins.module_utils._app.git_access import Access
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Options
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import Plan
from ansible_collections.gatehouse.django.plugins.module_utils._core import proxy as proxies
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import SHORTEST_SECRET, secrets_of
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import render, sandbox, valkey_options, variables
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.digest import digest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.python_options import downloads
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source import revision

# Every release gets this version on every host, unless the project has its own gunicorn.
SERVER = "gunicorn==27.0.1"
# The options with commands that a deployment runs, each once.
COMMANDS = ("build", "release_commands", "first_commands")
# The packages that a release needs on a Debian host: git and ssh for its source, venv for uv, xz for archives.
PACKAGES = ("ca-certificates", "git", "openssh-client", "python3-venv", "xz-utils")
# Those that fetch each kind of source, so that the run can look at the project before it installs anything else.
SOURCE_PACKAGES = {
    "git": ("ca-certificates", "git", "openssh-client"),
    "directory": (),
    "archive": ("ca-certificates",),
    "pypi": ("ca-certificates",),
}
# Options whose change makes a new release of the same source. Others change the files and units.
INPUTS = (
    *(
        "settings_module",
        "application",
        "prefix",
        "python",
        "requirements",
        "environment",
        "secrets",
        "settings",
        "files",
    ),
    *("requirements_file", "groups", "extras", "constraints"),
    *("build_environment", "timeout", "health_path", "health_host", "health_status"),
    *("check_deploy", "check_ignore", "migrate_databases", "node", *COMMANDS, "admin", "writable"),
)
# Keys of `source` for which the same is true. The revision identifies the rest.
SOURCE_INPUTS = ("subdirectory", "submodules", "lfs")
# Options whose change makes a new virtual environment.
VENV_INPUTS = ("requirements", "python", "build_environment", "requirements_file", "groups", "extras", "constraints")
# Tools that export a project's lock. Their versions change no release: a lock has one meaning.
LOCK_TOOLS = ("poetry", "pdm", "pipenv")
MIN_LINE_LENGTH = 8  # characters: a shorter line of a file, or a shorter setting, may be any word


def application(settings_module: str, interface: str) -> str:
    """Return the default application: `shop.wsgi:application` for the settings `shop.settings.production`.

    For the settings `settings` it is `wsgi:application`.
    """
    found = re.match(r"(.+?)\.settings(?:\.|$)", settings_module)
    package = found[1] if found else settings_module.partition(".")[0]
    # Without a package, wsgi.py is beside settings.py.
    return f"{interface}:application" if package == "settings" else f"{package}.{interface}:application"


def home(app: str) -> str:
    """Return the directory of an app on the host."""
    return f"{APPS}/{app}"


def plan(params: Options) -> Plan:
    """Return the plan of the release for the module."""
    app = params["app"]
    properties = sandbox.properties(app, f"{home(app)}/data", params["limits"], params["sandbox"])
    files, units, uv = render.files(params), render.units(params, home(app), properties), render.program("uv.txt")
    node = render.program(f"node-{params['node']}.txt") if params["node"] else ""
    # The addresses of the services belong to the release, but not their limits.
    given: dict[str, object] = {
        **params,
        "environment": {**valkey_options.environment(params), **params["environment"]},
    }
    inputs = [*(params["source"].get(name) for name in SOURCE_INPUTS), {name: given[name] for name in INPUTS}]
    venv_inputs = [params["source"].get("pypi"), *(given[name] for name in VENV_INPUTS)]
    return {
        # The location of the source does not matter: the revision identifies its content.
        "digest": digest(app, [*inputs, files, units, properties, SERVER, uv, node]),
        "venv_digest": digest(app, [*venv_inputs, SERVER, uv]),
        "revision": revision(params["source"]),
        "files": files,
        "units": units,
        "sandbox": properties,
        "calendars": {timer["name"]: timer["on_calendar"] for timer in params["timers"]},
        "packages": [*PACKAGES, *(["git-lfs"] if params["source"].get("lfs") else []), *params["packages"]],
        "server": SERVER,
        "uv": uv,
        "exporters": {tool: render.program(f"lock_tools/{tool}.txt") for tool in LOCK_TOOLS},
        "node": node,
        "build": [shlex.split(command) for command in params["build"]],
        "release_commands": [shlex.split(command) for command in params["release_commands"]],
        "has_admin": bool(params["admin"]),
        "first_commands": [shlex.split(command) for command in params["first_commands"]],
        "health": {
            "host": params["health_host"],
            "path": params["health_path"],
            "status": params["health_status"],
            "timeout": params["timeout"],
        },
        "look_only": False,
    }


def private(params: Options, access: Access) -> str:
    """Return the secrets for the host as one text: no_log then hides nothing else."""
    hidden = [str(value) for value in params["secrets"].values() if len(str(value)) >= SHORTEST_SECRET]
    settings = [value for value in params["settings"].values() if isinstance(value, str)]
    # A traceback can show single lines of these files.
    lines = [line.strip() for text in params["files"].values() for line in text.splitlines()]
    keys = [line for entry in access["credentials"] for line in entry["deploy_key"].splitlines()]
    tokens = [entry["authorization"] for entry in access["credentials"]]
    hidden += [word for token in tokens for word in (token, token.partition(":")[2]) if len(word) >= SHORTEST_SECRET]
    hidden += proxies.passwords(params.get("proxy"))
    for visible in (params["environment"], params["build_environment"]):
        hidden += secrets_of({name: str(value) for name, value in visible.items()})
    hidden += [text for text in [str(params["admin"].get("password") or "")] if len(text) >= SHORTEST_SECRET]
    hidden += [line for line in (*settings, *lines, *keys) if len(line) >= MIN_LINE_LENGTH]
    python = downloads(params["python"], params["python_downloads"], render.program("uv.txt"))
    hidden += secrets_of({"python_downloads": params["python_downloads"]})
    hidden += [python["authorization"]] if python["authorization"] else []
    data = f"{home(params['app'])}/data"
    environment = {
        # The variables of the inventory override these.
        "DATABASE_URL": f"sqlite:///{data}/db.sqlite3",
        "DJANGO_SETTINGS_MODULE": "gatehouse_settings",
        "GATEHOUSE_APP": params["app"],
        "GATEHOUSE_DATA_DIR": data,
        "PYTHONUNBUFFERED": "1",
        **valkey_options.environment(params),
        **params["environment"],
        **params["secrets"],
        "GATEHOUSE_PREFIX": params["prefix"],
        "GATEHOUSE_SETTINGS_MODULE": params["settings_module"],
        "GATEHOUSE_SETTINGS": json.dumps(params["settings"]),
    }
    return json.dumps(
        {
            "environment": {name: str(value) for name, value in environment.items()},
            "project_files": params["files"],
            # A proxy is not a part of the release: another one does not build it again.
            "build_environment": {
                **proxies.environment(params.get("proxy")),
                **{name: str(value) for name, value in params["build_environment"].items()},
            },
            "build_variables": build_variables(params),
            "variables": variables.expected(params),
            "admin": {name: str(value) for name, value in params["admin"].items()},
            "authorization": tokens[0],
            "access": access,
            "python": python,
            "hidden": hidden,
        }
    )


def build_variables(params: Options) -> dict[str, str]:
    """Return the variables of the app's environment for the commands of `build`, with placeholders for the secrets.

    A command like `manage.py tailwind build` imports the project's settings, which often fails without the variables. A
    placeholder keeps the scheme of a URL, because settings choose a database or cache by it.
    """
    given = {name: str(value) for name, value in params["environment"].items()}
    secret = secrets_of(given)
    found = {name: placeholder(value) if value in secret else value for name, value in given.items()}
    found |= {name: placeholder(str(value)) for name, value in params["secrets"].items()}
    known = {"DATABASE_URL": "sqlite://:memory:", **valkey_options.environment(params)}
    return {**known, **found, "DJANGO_SETTINGS_MODULE": params["settings_module"]}


def placeholder(secret: str) -> str:
    """Return a text that a build can have in the place of *secret*."""
    scheme, separator, _rest = secret.partition("://")
    return f"{scheme}://localhost/build" if separator and scheme.replace("+", "").isalnum() else "build"
