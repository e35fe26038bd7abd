# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch from a hand-made site to the app: copy, hold, copy the rest, start, let nginx switch, let go."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.health import Health
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Plan
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts, Outcome
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.transaction import apply
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import retirement
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.copies import Copy
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.copying import Copier
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.hold import Hold
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import OldSite


def moves(conf_dir: str, app: str, old: OldSite) -> dict[str, str]:
    """Where nginx's files of the hand-made site go: beside the generations, where nginx includes nothing."""
    home = generation.root(conf_dir) / "replaced" / app
    return {path: str(home / os.path.basename(path)) for path in old.files}


class Switch:
    """One takeover. A failure before nginx has switched leaves the hand-made site served."""

    def __init__(self, run: Run, tools: Tools, app: App, old: OldSite, host: NginxFacts, plan: Plan) -> None:
        self.run, self.tools, self.app, self.old, self.host, self.plan = run, tools, app, old, host, plan
        self.units = Units(tools, app)
        self.service = app.unit(app.current(), "service")

    def go(
        self, copier: Copier, copies: Sequence[Copy], databases: Sequence[str], site: str, user: tuple[str, str]
    ) -> Outcome:
        """Take the site over; *site* is the name of the app's site, *user* that of nginx's workers with its group."""
        conf_dir = self.host["conf_dir"]
        files = moves(conf_dir, self.app.name, self.old)
        self.plan.after.moves, self.plan.before.moves = files, {new: path for path, new in files.items()}
        # nginx must accept the configuration before anything waits for it.
        apply(self.run, self.host, self.plan, check_mode=True)
        # Most of the data is copied while the site is served.
        with self.tools.phase("copy"):
            self.stop_app()
            copier.begin()
            copier.copy(copies, is_live=True)
        with Hold(self.run, self.app.name, self.old, user, files) as hold:
            with self.tools.phase("hold"):
                hold.start(generation.link(conf_dir) / "sites" / f"{site}.conf", f"{self.app.link}/web.sock")
            with self.tools.phase("rest"):
                copier.copy(copies, is_live=False)
            with self.tools.phase("start"):
                self.start_app(copies, databases)
            self.record(hold, files, copies)
            with self.tools.phase("switch"):
                outcome = apply(self.run, self.host, self.plan, check_mode=False)
            hold.release()
        # They still pass on what old workers of nginx send.
        self.tools.run(["systemctl", "--quiet", "disable", *self.old.units])
        return outcome

    def stop_app(self) -> None:
        """End the app's processes: no request reaches them yet, and they must not write into the copy."""
        self.tools.run(["systemctl", "stop", self.app.unit(self.app.current(), "socket"), self.service])

    def start_app(self, copies: Sequence[Copy], databases: Sequence[str]) -> None:
        """Apply the migrations that the copied databases lack, and start the app until it is healthy."""
        for copy in copies:
            if copy.database and copy.database in databases:
                manage = [f"{self.app.home}/manage", "migrate", "--noinput", "--database", copy.database]
                self.tools.run(manage)
        socket = self.app.unit(self.app.current(), "socket")
        self.tools.attempt(["systemctl", "reset-failed", socket, self.service])
        self.tools.run(["systemctl", "start", socket, self.service])
        Health(self.units, self.app.current(), self.app.record(self.app.current())["health"]).wait()

    def record(self, hold: Hold, files: dict[str, str], copies: Sequence[Copy]) -> None:
        """Record what is replaced, for a run after this one."""
        record = retirement.Record(
            names=list(self.old.site.names),
            units=self.old.units,
            files=files,
            certificate=self.old.site.certificate[0],
            drop_in=str(hold.drop_in),
            copies=list(map(str, copies)),
            taken=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )
        retirement.write(self.app.name, record)


def put_back(run: Run, conf_dir: str, record: retirement.Record | None, sites: Sequence[str]) -> None:
    """Undo what a run has left that lost its power between its two renames: nginx's files are away, no site is live."""
    if record is None or is_live(conf_dir, sites):
        return
    for path, new in record.files.items():
        if os.path.lexists(new) and not os.path.lexists(path):
            os.rename(new, path)
            run(["systemctl", "reload", "nginx.service"])


def is_live(conf_dir: str, sites: Sequence[str]) -> bool:
    """Whether nginx's live configuration has one of *sites*."""
    return any((generation.link(conf_dir) / "sites" / f"{site}.conf").exists() for site in sites)
