# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install the interpreters that hosts lack with uv, below TOOLS_DIRECTORY, and remove those that no release needs.

Apps share them, so no app may write to them. uv downloads, verifies and unpacks as a user of its own without other
files (systemd.exec(5), DynamicUser=). Then root takes the files over, and one rename(2) puts them into place.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import time_limit
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import SANDBOX
from ansible_collections.gatehouse.django.plugins.module_utils._app.environment import render
from ansible_collections.gatehouse.django.plugins.module_utils._app.interpreter import Interpreter
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS, TOOLS_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import escape_dollars

LOCK = "python"
UNIT = "gatehouse-python.service"
# The link in a release to the interpreter that uv installed for it.
LINK = "python"
# Variables of the build environment for uv's download: proxies, authorities, patience.
NETWORK = re.compile(
    r"(?:https?|all|no)_proxy|(?:HTTPS?|ALL|NO)_PROXY|SSL_(?:CERT_FILE|CERT_DIR|CLIENT_CERT)"
    r"|UV_(?:HTTP_\w+|INSECURE_HOST)"
)
# Modules of the standard library that Django or its packages need, and that need libraries of the host.
SCRIPT = """
set -eu
"$1" python install --no-config --no-cache --no-bin --compile-bytecode "$2"
find "$UV_PYTHON_INSTALL_DIR" -mindepth 1 -maxdepth 1 ! '(' -type d -name 'cpython-*' ')' -exec rm -rf '{}' +
exec "$UV_PYTHON_INSTALL_DIR"/*/bin/python -I -B -c \\
    'import ctypes, hashlib, platform, sqlite3, ssl, zlib; print(platform.python_version())'
"""


class ManagedPythons:
    """The interpreters of uv on a host: each in its directory below `<directory>/python`, named by its key."""

    def __init__(self, tools: Tools, directory: str = TOOLS_DIRECTORY) -> None:
        self.tools, self.home = tools, os.path.join(directory, "python")
        # A partial installation stays here; the next one removes it.
        self.staging = os.path.join(directory, "python-new")

    def find(self, interpreter: Interpreter) -> str:
        """Return the path of an installed interpreter, or an empty text."""
        minor = ".".join(interpreter.version.split(".")[:2])
        found = glob.glob(os.path.join(self.home, interpreter.key, "cpython-*", "bin", f"python{minor}"))
        return found[0] if found else ""

    def needs(self, interpreter: Interpreter) -> bool:
        """Return whether uv still has to install this interpreter."""
        return bool(interpreter.key) and not self.find(interpreter)

    def reserve(self, interpreter: Interpreter, release: str) -> None:
        """Note in the directory *release* that it needs the interpreter: before it is installed, so that it stays."""
        os.symlink(os.path.join(self.home, interpreter.key), os.path.join(release, LINK))

    def ensure(self, interpreter: Interpreter, uv: str, environment: Mapping[str, str], mirror: str) -> str:
        """Return the interpreter's path; install it with *uv* if the host lacks it.

        *environment* is that of builds. *mirror* is the address of uv's own builds, empty for their usual one.
        """
        with locked(LOCK):
            if not self.find(interpreter):
                self._clear()
                try:
                    self._install(interpreter, uv, environment, mirror)
                finally:
                    self._clear()
            return self.find(interpreter)

    def prune(self, apps: str = APPS) -> None:
        """Remove the interpreters that no release of an app below *apps* needs."""
        if not os.path.isdir(self.home):
            return
        with locked(LOCK):
            links = [link for part in ("releases", "failed") for link in Path(apps).glob(f"*/{part}/*/{LINK}")]
            needed = {os.path.basename(os.readlink(link)) for link in links if link.is_symlink()}
            self._clear()
            for name in os.listdir(self.home):
                if name not in needed:
                    os.makedirs(self.staging, mode=0o700, exist_ok=True)
                    os.rename(os.path.join(self.home, name), os.path.join(self.staging, name))
            self._clear()

    def _clear(self) -> None:
        """Remove a partial installation, and end the unit of a run that was killed."""
        if os.path.lexists(self.staging):
            self.tools.attempt(["systemctl", "stop", UNIT])
            tree.remove_tree(self.staging)

    def _install(self, interpreter: Interpreter, uv: str, environment: Mapping[str, str], mirror: str) -> None:
        # Only root enters the staging directory. The unit sees `tree` in the place of self.home, since uv writes the
        # final path into the installation.
        os.makedirs(self.home, mode=0o755, exist_ok=True)
        os.mkdir(self.staging, 0o700)
        inner = os.path.join(self.staging, "tree")
        os.mkdir(inner)
        os.chmod(inner, 0o1777)
        variables = {name: text for name, text in environment.items() if NETWORK.fullmatch(name)}
        variables |= {"HOME": "/tmp", "NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_SYSTEM_CERTS": "1"}
        variables["UV_PYTHON_INSTALL_DIR"] = os.path.join(self.home, interpreter.key)
        if interpreter.entry:
            entries = os.path.join(inner, "downloads.json")
            Path(entries).write_text(json.dumps({interpreter.key: interpreter.entry}), encoding="utf-8")
            os.chmod(entries, 0o644)
            variables["UV_PYTHON_DOWNLOADS_JSON_URL"] = os.path.join(self.home, "downloads.json")
        elif mirror:
            variables["UV_PYTHON_INSTALL_MIRROR"] = mirror
        secrets = os.path.join(self.staging, "env")
        with open(os.open(secrets, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(render(variables))
        properties = [*SANDBOX, "DynamicUser=yes", f"BindPaths={inner}:{self.home}", f"EnvironmentFile={secrets}"]
        command = ["sh", "-c", escape_dollars(SCRIPT), "sh", uv, interpreter.version]
        code, out, err = time_limit.attempt(self.tools, properties, UNIT, command)
        version = out.strip().rpartition("\n")[2]
        if code != 0 or version != interpreter.version:
            reason = f"its download is Python {version}" if code == 0 else f"uv failed:\n{tail(err or out)}"
            raise ReleaseError(_explain(interpreter, reason, mirror))
        made = os.path.join(inner, interpreter.key)
        tree.take_over(made, os.lstat(made).st_uid, tree.Access(0, 0))
        self.tools.run(["sync", "--file-system", made])
        os.rename(made, os.path.join(self.home, interpreter.key))


def _explain(interpreter: Interpreter, reason: str, mirror: str) -> str:
    # Addresses can contain passwords.
    address = re.sub(r"//[^/@]*@", "//", str(interpreter.entry.get("url") or mirror))
    if interpreter.entry:
        remedy = "Correct the url or the sha256 in the list of python_downloads."
    elif mirror:
        remedy = "Check that python_downloads is the address of a mirror of uv's builds, and that it is complete."
    else:
        remedy = "A host that cannot reach uv's downloads needs python_downloads, the address of a mirror or of a list."
    return (
        f"python: Python {interpreter.version}{f' from {address}' if address else ''} cannot be installed: {reason}\n"
        f"Nothing of it is used. {remedy}"
    )
