# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the variables of the inventory of which a project that does not use them is told."""

from __future__ import annotations

import re

from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Options
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.remote_services import VARIABLES

# Python itself, libraries in C, gunicorn and programs read these. No file of a project or a package names them.
READ_BY_OTHERS = re.compile(
    r"PYTHON\w*|LC_\w+|LANG|LANGUAGE|TZ|PATH|HOME|LD_\w+|MALLOC_\w+|OMP_\w+|OPENSSL_\w+|SSL_CERT_\w+|PG\w+|MYSQL_\w+"
    r"|GUNICORN_CMD_ARGS|WEB_CONCURRENCY|\w+_proxy|\w+_PROXY"
)


def expected(params: Options) -> dict[str, str]:
    """Return the option by name of each variable that the project itself should read."""
    commands = [unit["command"] for unit in (*params["processes"], *params["timers"])]
    commands += [*params["build"], *params["release_commands"], *params["first_commands"]]
    text = "\n".join(commands)
    given = {**dict.fromkeys(params["environment"], "environment"), **dict.fromkeys(params["secrets"], "secrets")}
    for kind in params.get("services") or {}:
        # The inventory does not have them.
        for name in VARIABLES[kind]:
            given.pop(name, None)
    return {name: option for name, option in given.items() if not READ_BY_OTHERS.fullmatch(name) and name not in text}
