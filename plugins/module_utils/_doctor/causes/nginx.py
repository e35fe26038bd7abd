# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether nginx itself is well: installed, with a configuration that it takes, and running."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import read
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import started, worker_pids
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.validate import check

PATIENCE = 30  # seconds for nginx -t: 0.1 with 1,000 sites
EVERY = "all sites"
NGINX = "nginx.service"
RELOAD = "`nginx -t && systemctl reload nginx`"


def explain(run: Run, nginx: Mapping[str, Any], master: int | None) -> list[Finding]:
    """What is wrong with nginx, for every site of the host."""
    if not nginx["installed"]:
        remedy = "Install it, as the role gatehouse.django.nginx does: `ansible-playbook gatehouse.django.site`."
        return [Finding(EVERY, "This host has no nginx.", remedy)]
    # What cannot be tested without a trace is not tested: the doctor changes nothing.
    verdict = check(partial(_in_time, run), cast(NginxFacts, nginx))
    if verdict.isolated and not verdict.valid:
        said = next((line for line in verdict.messages if "[emerg]" in line), "; ".join(verdict.messages))
        at = re.search(r" in (/\S+:\d+)", said)
        state = (
            "It serves what it read before, and would not start again." if master else "That is why it does not run."
        )
        done = "systemctl reload nginx" if master else "systemctl restart nginx"
        mend = f"Mend {at[1]}" if at else "Mend that"
        cause = f"nginx refuses its configuration: {said.removeprefix('[emerg] ')}. {state}"
        return [Finding(EVERY, cause, f"{mend}, then `nginx -t && {done}`.")]
    return [] if master else [_down(run, nginx)]


def _in_time(run: Run, args: list[str], **options: Any) -> tuple[int, str, str]:
    """Run nginx's own test, which opens its logs: one of them may be a FIFO, and then it never ends."""
    code, out, err = run(["timeout", "--kill-after=5", str(PATIENCE), *args], **options)
    if code in (124, 137):
        err = f"{err}\n[emerg] nginx -t has not ended after {PATIENCE} seconds: is one of its logs a FIFO?"
    return code, out, err


def unread(host: Host, site: str) -> Finding | None:
    """What there is to say where nginx still runs with what it read before a file was changed."""
    begun = min((started(pid) for pid in worker_pids(host.master or 0)), default=time.time())
    files = {one.path for one in host.tree.all() if one.path}
    changed = {path: os.stat(path).st_ctime for path in files if os.path.exists(path)}
    newest = max(changed, key=lambda path: changed[path], default="")
    if not newest or changed[newest] <= begun:
        return None
    cause = f"{newest} has changed since nginx read its configuration, so that nginx does not do what is written there"
    return Finding(site, f"{cause}.", RELOAD)


def _down(run: Run, nginx: Mapping[str, Any]) -> Finding:
    found = systemd.show(run, NGINX)
    if found.get("LoadState") == "masked":
        return Finding(EVERY, f"{NGINX} is masked, and nginx does not run.", "`systemctl unmask --now nginx`")
    ports = dict.fromkeys(one.port for one in routing.listens(read(nginx["conf_path"])))
    held = [holder for port in ports if (holder := _holder(run, port))]
    if held:
        port, who = held[0]
        remedy = f"Stop {who} or give it another port, then `systemctl restart nginx`."
        return Finding(EVERY, f"nginx does not run, and {who} holds its port {port}.", remedy)
    words = systemd.last_words(run, NGINX, {}) if found.get("ActiveState") == "failed" else ""
    said = f" It last said: {words}" if words else ""
    return Finding(EVERY, f"nginx does not run: {NGINX} is {systemd.state(found)}.{said}", "`systemctl restart nginx`")


def _holder(run: Run, port: str) -> tuple[str, str] | None:
    """Who listens on *port* in nginx's place."""
    if not shutil.which("ss"):
        return None
    _rc, out, _err = run(["ss", "-Hltnp", "sport", "=", f":{port}"])
    match = re.search(r'users:\(\("([^"]+)",pid=(\d+)', out)
    return (port, f"{match[1]} (process {match[2]})") if match and match[1] != "nginx" else None
