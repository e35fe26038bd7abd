# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the doctor knows of the host before it asks anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive, read
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import Listen

# Its exit code is the errno of the refusal.
CONNECT = """
import errno, socket, sys
try:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(float(sys.argv[2]))
        client.connect(sys.argv[1])
except OSError as error:
    sys.exit(error.errno or errno.ETIMEDOUT)
"""


@dataclass(frozen=True)
class Host:
    """nginx's configuration as it is on disk, and how to see with nginx's eyes."""

    run: Run
    nginx: Mapping[str, Any]
    master: int | None
    tree: Directive
    listens: Sequence[Listen]
    # The addresses that the host has.
    own: tuple[str, ...]

    @property
    def user(self) -> tuple[str, str]:
        """User and group of nginx's workers. Without a group, nginx takes the one with the user's name."""
        given = self.tree.own("user")
        return (given.args[0], given.args[-1]) if given else (self.nginx["user"], self.nginx["user"])

    def is_ours(self, directive: Directive) -> bool:
        """Whether nginx_config has written *directive*, so that what is to change stands in the inventory."""
        return directive.path.startswith(f"{self.nginx['conf_dir']}/gatehouse/")

    def worker_may(self, test: str, path: str, *, sandboxed: bool = True) -> bool:
        """Whether ``test -TEST PATH`` is true for nginx's workers, with what systemd hides from them or without."""
        return self.run([*self._as_worker(sandboxed), "test", f"-{test}", path])[0] == 0

    def worker_connects(self, path: str, seconds: float) -> int:
        """Connect to a unix socket as nginx's workers do, not as root; the errno of the refusal, 0 for none."""
        # A path may lead through an app's links to a socket that only root may use, or that starts a service.
        return self.run([*self._as_worker(True), sys.executable, "-I", "-c", CONNECT, path, str(seconds)])[0]

    def _as_worker(self, sandboxed: bool) -> list[str]:
        user, group = self.user
        inside = ["nsenter", f"--target={self.master}", "--mount", "--"] if sandboxed and self.master else []
        return [*inside, "setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", "--"]


def look(run: Run, nginx: Mapping[str, Any], master: int | None) -> Host:
    """The host as it is now."""
    tree = read(nginx["conf_path"])
    _rc, out, _err = run(["hostname", "--all-ip-addresses"])
    return Host(run, nginx, master, tree, routing.listens(tree), tuple(out.split()))
