# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host as it is before the doctor sends a request: nginx's configuration, and what nginx may access."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite, app_sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.apps import FailingApps
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service, Socket, listening_sockets
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import (
    app_name,
    balanced_app,
    proxy_locations,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive, read
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import Listen, Routing

STATE_SECONDS = 5.0
# Its exit code is the errno of the failed connection.
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
    """nginx's configuration as it is on disk, and what nginx's workers may access."""

    run: Run
    nginx: NginxFacts
    # The process id of nginx's master, None where nginx does not run.
    master: int | None
    tree: Directive
    listens: Sequence[Listen]
    # The IP addresses of the host.
    addresses: tuple[str, ...]
    # The hosts of the inventory by IP address, as far as the play knows them.
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def user(self) -> tuple[str, str]:
        """User and group of nginx's workers. Without a group, nginx takes the one with the user's name."""
        given = self.tree.own("user")
        return (given.args[0], given.args[-1]) if given else (self.nginx["user"], self.nginx["user"])

    @cached_property
    def app_sites(self) -> Sequence[AppSite]:
        """The apps of role django_app that nginx serves, with the sites that it serves them as."""
        return app_sites(self.listens, self.nginx["conf_dir"])

    @cached_property
    def routing(self) -> Routing:
        """The tables that say which server gets a request."""
        return Routing(self.listens, self.addresses)

    @cached_property
    def apps_by_server(self) -> Mapping[Directive, frozenset[str]]:
        """The apps of role django_app that each server block passes requests to."""
        servers = dict.fromkeys(one.server for one in self.listens)
        return {one: frozenset(map(app_name, proxy_locations(one))) - {""} for one in servers}

    @cached_property
    def balanced_apps(self) -> Mapping[Directive, frozenset[str]]:
        """The apps of other hosts that each server block of a balancer passes requests to."""
        return {one: frozenset(map(balanced_app, proxy_locations(one))) - {""} for one in self.apps_by_server}

    @cached_property
    def failing_apps(self) -> FailingApps:
        """Which of these apps do not start."""
        return FailingApps(self.run, sorted(frozenset().union(*self.apps_by_server.values())))

    @cached_property
    def services(self) -> dict[str, Service | None]:
        """The services of systemd by the address that they listen on, as far as they have been looked for."""
        return {}

    @cached_property
    def data_servers(self) -> dict[str, list[Finding]]:
        """What is wrong with the databases, caches and brokers of each app, as far as they have been asked."""
        return {}

    @cached_property
    def web_hosts(self) -> dict[object, list[Finding]]:
        """What is wrong with the hosts behind each page of a balancer, as far as they have been asked."""
        return {}

    @cached_property
    def sockets(self) -> Mapping[str, Socket]:
        """The socket unit of each address, without those of role django_app."""
        return listening_sockets(self.run)

    @cached_property
    def _states(self) -> dict[str, tuple[float, dict[str, str]]]:
        return {}

    def state(self, unit: str) -> dict[str, str]:
        """The state of the unit, at most STATE_SECONDS old: many pages may wait for one unit."""
        expires, found = self._states.get(unit, (0.0, {}))
        if time.monotonic() >= expires:
            found = systemd.show(self.run, unit)
            self._states[unit] = time.monotonic() + STATE_SECONDS, found
        return found

    def is_managed(self, directive: Directive) -> bool:
        """Whether nginx_config wrote *directive*, so that the inventory is the place to change it."""
        return directive.path.startswith(f"{self.nginx['conf_dir']}/gatehouse/")

    def worker_may(self, test: str, path: str, *, sandboxed: bool = True) -> bool:
        """Whether ``test -TEST PATH`` succeeds for nginx's workers, inside the sandbox of nginx.service or outside."""
        return self.run([*self.as_worker(sandboxed=sandboxed), "test", f"-{test}", path])[0] == 0

    def worker_connects(self, path: str, seconds: float) -> int:
        """Connect to a unix socket as nginx's workers do, not as root; return the errno, 0 for success."""
        # A path may lead through an app's links to a socket that only root may use, or that starts a service.
        return self.run([*self.as_worker(), sys.executable, "-I", "-c", CONNECT, path, str(seconds)])[0]

    def as_worker(self, *, sandboxed: bool = True) -> list[str]:
        """The words before a command that give it the rights of nginx's workers, in their sandbox or outside."""
        user, group = self.user
        inside = ["nsenter", f"--target={self.master}", "--mount", "--"] if sandboxed and self.master else []
        return [*inside, "setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", "--"]


def read_host(run: Run, nginx: NginxFacts, master: int | None, names: Mapping[str, str] | None = None) -> Host:
    """Read nginx's configuration and the addresses of the host."""
    tree = read(nginx["conf_path"])
    _rc, out, _err = run(["hostname", "--all-ip-addresses"])
    return Host(run, nginx, master, tree, routing.listens(tree), tuple(out.split()), names or {})
