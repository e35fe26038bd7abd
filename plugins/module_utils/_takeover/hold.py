# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the requests of a hand-made site: its service ends, and its socket unit keeps what comes in its queue.

systemd starts a service as soon as a request waits in the queue of its socket. So for the time of the takeover a
drop-in in /run replaces the command of the service: it waits, and then passes everything on to the app.

A second unit watches. If this run fails or is killed before nginx has switched, it brings the hand-made site back, and
the old service answers what has waited. A reboot has the same effect, because /run is empty then.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from types import TracebackType

from ansible_collections.gatehouse.django.plugins.module_utils._core import files, systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import HOLD_DIRECTORY, RUNTIME_UNIT_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import OldSite, Refused

HOME = Path(HOLD_DIRECTORY)
UNITS = Path(RUNTIME_UNIT_DIRECTORY)
DROP_IN = "zz-gatehouse-takeover.conf"
PROXY = "/usr/lib/systemd/systemd-socket-proxyd"
# It runs as nginx's user, who may connect to the app. Nothing of the old unit may reach a process with other rights:
# neither its environment nor its commands.
REPLACED = """\
# Made by Gatehouse for the time of a takeover.
[Service]
Type=simple
User={user}
Group={group}
SupplementaryGroups=
WorkingDirectory=/
Environment=
EnvironmentFile=
PassEnvironment=
ExecCondition=
ExecStartPre=
ExecStart=
ExecStart=/bin/sh {home}/wait
ExecStartPost=
ExecReload=
ExecStop=
ExecStopPost=
Restart=no
WatchdogSec=0
# Its socket may be in there.
RuntimeDirectoryPreserve=yes
"""
# `target` appears when the app may answer.
WAIT = """\
while [ ! -e {home}/target ]; do sleep 0.05; done
exec {proxy} --connections-max=4096 "$(cat {home}/target)"
"""
# The kernel releases the lock when the run ends, however it ends. nginx has switched when its live configuration has
# the site.
WATCH = """\
exec 9<{home}/lock
flock 9
exec 9<&-
if [ -e {site} ]; then
    [ -e {home}/target ] || {{ echo {socket} >{home}/target.new && mv {home}/target.new {home}/target; }}
    exit 0
fi
{put_back}
rm -f {drop_in}
systemctl daemon-reload
systemctl restart {service}
{restart}
"""


class Hold:
    """The time in which requests wait and nothing can write; a failure ends it with the hand-made site as before."""

    def __init__(self, run: Run, app: str, old: OldSite, worker: tuple[str, str], moves: dict[str, str]) -> None:
        self.run, self.app, self.old, self.worker, self.moves = run, app, old, worker, moves
        self.home = HOME / app
        self.unit = f"gatehouse-takeover-{app}.service"
        self.drop_in = UNITS / f"{old.service.unit}.d" / DROP_IN
        self.lock = -1

    def start(self, site: Path, socket: str) -> None:
        """Start the watching unit, and end the old services. *site* is nginx's file of the app's site."""
        shutil.rmtree(self.home, ignore_errors=True)
        files.make_directory(self.home)
        self.lock = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        restart = [] if self.old.can_wait else [*self.old.service.sockets]
        restart += [unit for one in self.old.companions if one.is_active for unit in one.units]
        moves = [(quote(new), quote(path)) for path, new in self.moves.items()]
        put_back = "\n".join(f"if [ -L {new} ] || [ -e {new} ]; then mv {new} {path}; fi" for new, path in moves)
        words = {"home": self.home, "proxy": PROXY, "socket": socket, "site": quote(str(site)), "put_back": put_back}
        words |= {"drop_in": quote(str(self.drop_in)), "service": quote(self.old.service.unit)}
        words |= {"restart": f"systemctl start {' '.join(map(quote, restart))}" if restart else ""}
        files.replace(self.home / "wait", WAIT.format(**words))
        files.replace(self.home / "watch", WATCH.format(**words))
        self._command(["systemctl", "reset-failed", self.unit], may_fail=True)
        self._command([*systemd.systemd_start(self.unit), "/bin/sh", f"{self.home}/watch"])
        self._stop_companions()
        ending = [self.old.service.unit]
        if self.old.can_wait:
            files.make_directory(self.drop_in.parent)
            user, group = self.worker
            files.replace(self.drop_in, REPLACED.format(user=user, group=group, home=self.home))
            self._command(["systemctl", "daemon-reload"])
        else:
            # An open socket would start the service again.
            ending = [*self.old.service.sockets, *ending]
        # The service finishes the requests that it has.
        self._command(["systemctl", "stop", *ending])
        self._check_ended()

    def _stop_companions(self) -> None:
        units = [unit for one in self.old.companions for unit in one.units]
        if units:
            self._command(["systemctl", "stop", *units])

    def _check_ended(self) -> None:
        """Refuse if processes of the old service have outlived it (KillMode=process): they could write."""
        pid = self.old.service.pid
        try:
            with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
                is_left = self.old.service.unit in file.read()
        except OSError:
            is_left = False
        if is_left:
            raise Refused(f"{self.old.service.unit} has not ended: process {pid} is left.")

    def release(self) -> None:
        """Let the app answer what has waited: nginx has switched."""
        os.close(self.lock)
        self.lock = -1
        self._wait_for_watch()

    def give_up(self) -> str:
        """Bring the hand-made site back; returns the state of the host in a sentence."""
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1
        self._wait_for_watch()
        _code, out, _err = self.run(["systemctl", "is-active", *(self.old.service.sockets or (self.old.service.unit,))])
        state = "is served as before" if out.split() and set(out.split()) == {"active"} else "does not run"
        return f"The hand-made site {state}; {self.old.service.unit} answers what has waited. Its data is unchanged."

    def _wait_for_watch(self) -> None:
        script = "while systemctl is-active --quiet $1; do sleep 0.05; done"
        self.run(["timeout", "60", "sh", "-c", script, "sh", self.unit])

    def _command(self, words: Sequence[str], *, may_fail: bool = False) -> None:
        code, _out, err = self.run(list(words))
        if code and not may_fail:
            raise Refused(f"'{' '.join(words)}' failed ({code}): {err.strip()[-500:]}")

    def __enter__(self) -> Hold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            raise Refused(f"{re.sub(r'[.]?$', '.', str(error), count=1)} {self.give_up()}") from error
