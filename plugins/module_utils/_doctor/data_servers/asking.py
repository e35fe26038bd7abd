# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has a process of the app connect to the app's servers, in its environment and its sandbox.

The app decides each byte of the answer. It can only say something wrong about its own servers.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from glob import glob

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact, secrets_of, without_tokens
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.data_servers import reader
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.reading import Run, command, limited

# Seconds. The program ends itself before; systemd ends a project that hangs where no signal reaches it.
LIMIT_SECONDS = reader.SECONDS + 5
# An app without any of them, and without a URL, has no server.
DRIVERS = ("psycopg", "psycopg2", "MySQLdb", "pymysql", "oracledb", "cx_Oracle")
KINDS = ("database", "cache", "broker")
PLAIN = re.compile(r"[\w./:@%-]{0,255}", re.ASCII)
SHOWN = 300  # characters


@dataclass(frozen=True)
class Server:
    """A server of an app, and why it refuses the app."""

    kind: str  # database, cache or broker
    label: str  # the alias of a database, the variable of the others
    vendor: str
    host: str
    port: str
    name: str = ""
    user: str = ""
    error: str = ""  # empty if the app can use it
    tls: str = ""  # what is wrong with its certificate


run_limited = limited(LIMIT_SECONDS)


def servers(app: App, run: Run = run_limited) -> list[Server]:
    """Return the servers of the release that is served; none if it cannot be asked."""
    release = app.release(app.current())
    environment = systemd.environment(f"{release}/env")
    has_url = any(environment.get(name, "").startswith(("redis://", "rediss://")) for name in reader.VARIABLES)
    packages = f"{release}/venv/lib/python*/site-packages"
    if not has_url and not any(glob(f"{packages}/{driver}") for driver in DRIVERS):
        return []
    argv = command(app, release, LIMIT_SECONDS, ["OOMScoreAdjust=1000"])
    _code, out, _err = run(argv, inspect.getsource(reader))
    secrets = secrets_of(environment)
    return parse(out, lambda text: without_tokens(redact(text, secrets))[:SHOWN])


def parse(output: str, hidden: Callable[[str], str]) -> list[Server]:
    """Return the servers in the last line of *output*; *hidden* takes the secrets out of a text."""
    lines = output.strip().splitlines()
    try:
        given = json.loads(lines[-1]) if lines else []
    except (ValueError, RecursionError):
        return []
    most = reader.MAX_SERVERS + len(reader.VARIABLES)
    found = [_server(one, hidden) for one in (given[:most] if isinstance(given, list) else [])]
    return [one for one in found if one]


def _server(given: object, hidden: Callable[[str], str]) -> Server | None:
    if not isinstance(given, dict) or given.get("kind") not in KINDS:
        return None
    names = ("label", "vendor", "host", "port", "name", "user")
    texts = {name: str(given.get(name) or "") for name in names}
    if not all(PLAIN.fullmatch(text) for text in texts.values()):
        return None
    error, tls = (hidden(str(given.get(name) or "")) for name in ("error", "tls"))
    return Server(kind=given["kind"], **texts, error=error, tls=tls)
