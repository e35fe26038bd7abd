# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether nginx is installed, accepts its configuration, runs, and has read what is on disk."""

from __future__ import annotations

import os
import re
import shutil
import time
from functools import partial

from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import SERVICE_TLS_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import commands
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import read
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import started, worker_pids
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.validate import check

TEST_SECONDS = 30  # for nginx -t, which takes 0.1 with 1,000 sites
ALL_SITES = "all sites"
NGINX = "nginx.service"


def check_nginx(run: Run, nginx: NginxFacts, master: int | None) -> Finding | None:
    """What is wrong with nginx, for every site of the host; *master* is its process id, None where it does not run."""
    if not nginx["installed"]:
        remedy = "Install it, as the role gatehouse.django.nginx does: `ansible-playbook gatehouse.django.site`."
        return Finding(ALL_SITES, "nginx is not installed on this host.", remedy)
    return _configuration_error(run, nginx, master) or (None if master else _not_running(run, nginx))


def check_unread(host: Host, site: str) -> Finding | None:
    """A file of the configuration that has changed since nginx read it."""
    now = time.time()
    begun = min((started(pid) for pid in worker_pids(host.master or 0)), default=now)
    files = {one.path for one in host.tree.all() if one.path}
    changed = {path: os.stat(path).st_ctime for path in files if os.path.exists(path)}
    # A time of the future is of a clock that was wrong, and a reload would not change it.
    changed = {path: moment for path, moment in changed.items() if moment <= now}
    newest = max(changed, key=lambda path: changed[path], default="")
    if not newest or changed[newest] <= begun:
        return None
    cause = f"{newest} has changed since nginx read its configuration, so nginx does not do what the file says"
    return Finding(site, f"{cause}.", "`nginx -t && systemctl reload nginx`")


def _configuration_error(run: Run, nginx: NginxFacts, master: int | None) -> Finding | None:
    # The doctor changes nothing, so it tests only in isolation.
    result = check(partial(_run_limited, run), nginx)
    if result.valid or not result.isolated:
        return None
    message = next((line for line in result.messages if "[emerg]" in line), "; ".join(result.messages))
    place = re.search(r" in (/\S+:\d+)", message)
    state = "nginx does not run for this reason."
    if master:
        state = "nginx still serves the configuration that it read before, but it would not start again."
    verb = "reload" if master else "restart"
    correct = f"Correct {place[1]}" if place else "Correct that"
    if f'"{SERVICE_TLS_DIRECTORY}/' in message and "No such file" in message:
        correct = "Run `ansible-playbook gatehouse.django.site`, which makes this file"
    elif place and place[1].startswith(f"{nginx['conf_dir']}/gatehouse/"):
        correct = "Run `ansible-playbook gatehouse.django.site`, which writes this file or names the wrong option"
    cause = f"nginx rejects its configuration: {message.removeprefix('[emerg] ')}. {state}"
    return Finding(ALL_SITES, cause, f"{correct}, then `nginx -t && systemctl {verb} nginx`.")


def _run_limited(
    run: Run, args: list[str], *, data: bytes | None = None, binary_data: bool = False
) -> tuple[int, str, str]:
    """Run nginx's own test. It opens its logs: one of them may be a FIFO, and then it never ends."""
    code, out, err = run(["timeout", "--kill-after=5", str(TEST_SECONDS), *args], data=data, binary_data=binary_data)
    if code in (124, 137):
        err = f"{err}\n[emerg] nginx -t has not ended after {TEST_SECONDS} seconds: is one of its logs a FIFO?"
    return code, out, err


def _not_running(run: Run, nginx: NginxFacts) -> Finding:
    found = systemd.show(run, NGINX)
    if found.get("LoadState") == "masked":
        return Finding(ALL_SITES, f"nginx does not run: {NGINX} is masked.", "`systemctl unmask --now nginx`")
    for port in dict.fromkeys(one.port for one in routing.listens(read(nginx["conf_path"]))):
        other = _other_listener(run, port)
        if other:
            remedy = f"Stop {other} or give it another port, then `systemctl restart nginx`."
            return Finding(ALL_SITES, f"nginx does not run, and {other} listens on its port {port}.", remedy)
    words = systemd.last_words(run, NGINX, {}) if found.get("ActiveState") == "failed" else ""
    journal = f" Last line of its journal: {words}" if words else ""
    cause = f"nginx does not run: {NGINX} is {systemd.state(found)}.{journal}"
    return Finding(ALL_SITES, cause, "`systemctl restart nginx`")


def _other_listener(run: Run, port: str) -> str | None:
    """The program that listens on *port* instead of nginx."""
    if not shutil.which("ss"):
        return None
    _rc, out, _err = run(["ss", "-Hltnp", "sport", "=", f":{port}"])
    match = re.search(r'users:\(\("([^"]+)",pid=(\d+)', out)
    return f"{commands.named(match[1])} (process {match[2]})" if match and match[1] != "nginx" else None
