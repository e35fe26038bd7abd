# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install what builds of all apps share: uv, Node.js, and the interpreters that the host lacks."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._app import venv
from ansible_collections.gatehouse.django.plugins.module_utils._app.interpreter import Interpreter
from ansible_collections.gatehouse.django.plugins.module_utils._app.managed_python import ManagedPythons
from ansible_collections.gatehouse.django.plugins.module_utils._app.node import install_node
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Private
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import Plan
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import SYSTEM_PYTHON, TOOLS_DIRECTORY

# Two runs must not install the same tool at once.
LOCK = "tools"


class SharedTools:
    """Installs the tools of a *plan* when a build needs them; *private* has the secrets of the plan."""

    def __init__(self, tools: Tools, plan: Plan, private: Private) -> None:
        self._tools, self._plan, self._private = tools, plan, private
        self.pythons = ManagedPythons(tools)

    def uv(self) -> str:
        """Return the path of uv."""
        # python3-venv is installed for this Python. It installs the tools, whichever interpreter an app has.
        with locked(LOCK):
            return venv.install_uv(self._tools, SYSTEM_PYTHON, TOOLS_DIRECTORY, self._plan["uv"])

    def node(self) -> str:
        """Return the directory of Node.js and npm, which the plan must have."""
        with locked(LOCK):
            return install_node(self._tools, SYSTEM_PYTHON, TOOLS_DIRECTORY, self._plan["node"])

    def python_for(self, candidate: str, interpreter: Interpreter) -> str:
        """Return the path of an interpreter that uv installs for the directory *candidate* of a release."""
        self.pythons.reserve(interpreter, candidate)
        try:
            return self.python(interpreter)
        except (ReleaseError, LockError, OSError):
            # Nothing of the project is in it yet.
            tree.remove_tree(candidate)
            raise

    def python(self, interpreter: Interpreter) -> str:
        """Return the path of an interpreter that uv installs."""
        with self._tools.phase("python"):
            environment, mirror = self._private["build_environment"], self._private["python"]["mirror"]
            return self.pythons.ensure(interpreter, self.uv(), environment, mirror)
