# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the variables of the inventory of which a project that does not use them is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.plugin_utils._app.remote_services import VARIABLES

# Python itself, libraries in C, gunicorn and programs read these. No file of a project or a package names them.
READ_BY_OTHERS = re.compile(
    r"PYTHON\w*|LC_\w+|LANG|LANGUAGE|TZ|PATH|HOME|LD_\w+|MALLOC_\w+|OMP_\w+|OPENSSL_\w+|SSL_CERT_\w+|PG\w+|MYSQL_\w+"
    r"|GUNICORN_CMD_ARGS|WEB_CONCURRENCY|\w+_proxy|\w+_PROXY"
)
UNITS = ("processes", "timers")
COMMANDS = ("build", "release_commands", "first_commands")


def expected(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the option by name of each variable that the project itself should read."""
    commands = [unit["command"] for option in UNITS for unit in params[option]]
    commands += [command for option in COMMANDS for command in params[option]]
    text = "\n".join(commands)
    given = {name: option for option in ("environment", "secrets") for name in params[option]}
    for kind in params.get("services") or {}:
        # The inventory does not have them.
        for name in VARIABLES[kind]:
            given.pop(name, None)
    return {name: option for name, option in given.items() if not READ_BY_OTHERS.fullmatch(name) and name not in text}
