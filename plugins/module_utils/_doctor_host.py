# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the doctor knows of the host before it asks anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils import _nginx_choice as choice
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_choice import Listen
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_host import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_tree import Directive, read


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
        user, group = self.user
        inside = ["nsenter", f"--target={self.master}", "--mount", "--"] if sandboxed and self.master else []
        identity = ["setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", "--"]
        return self.run([*inside, *identity, "test", f"-{test}", path])[0] == 0


def look(run: Run, nginx: Mapping[str, Any], master: int | None) -> Host:
    """The host as it is now."""
    tree = read(nginx["conf_path"])
    _rc, out, _err = run(["hostname", "--all-ip-addresses"])
    return Host(run, nginx, master, tree, choice.listens(tree), tuple(out.split()))
