# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks nginx about a configuration that is not there: ``nginx -t`` inside a private mount namespace.

``nginx -t`` creates log files, cache directories and an empty pid file, so those trees are throwaway overlays there;
the candidate is copied over its place, and nothing of it is ever seen outside (mount_namespaces(7), nginx(8)).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._nginx_host import Run

ISOLATED = "gatehouse: isolated"
# $1: an empty directory for the overlays; $2: the nginx binary; $3: -t or -T; $4: nginx's directory;
# $5: a directory with files to put over that one, or an empty string; the rest: files that the candidate takes away.
SCRIPT = f"""
set -eu
scratch=$1 nginx=$2 test=$3 conf_dir=$4 staged=$5
shift 5
mount -t tmpfs -o mode=0700 gatehouse "$scratch"
for tree in "$conf_dir" /run /var/log /var/lib/nginx /var/cache/nginx; do
    [ -d "$tree" ] || continue
    layer=$scratch/$(echo "$tree" | tr / _)
    mkdir -p "$layer/upper" "$layer/work"
    mount -t overlay -o "lowerdir=$tree,upperdir=$layer/upper,workdir=$layer/work" gatehouse "$tree"
done
if [ -n "$staged" ]; then cp -a --remove-destination "$staged/." "$conf_dir"; fi
if [ $# -gt 0 ]; then rm -f -- "$@"; fi
echo "{ISOLATED}" >&2
exec "$nginx" "$test"
"""


@dataclass
class Verdict:
    """What nginx said of a configuration: ``isolated`` is False where the kernel refused the namespace."""

    isolated: bool
    valid: bool
    messages: list[str]
    dump: str


def check(
    run: Run, host: dict[str, str], scratch: str, staged: str = "", removed: tuple[str, ...] = (), *, dump: bool = False
) -> Verdict:
    """Let nginx test the host's whole configuration with the files in *staged* over it and *removed* taken away."""
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "gatehouse", scratch]
    rc, out, err = run([*command, host["path"], "-T" if dump else "-t", host["conf_dir"], staged, *removed])
    isolated = ISOLATED in err.splitlines()
    return Verdict(isolated, rc == 0 and isolated, messages(err), out)


def check_in_place(run: Run, host: dict[str, str], *, dump: bool = False) -> Verdict:
    """Let nginx test what is there now: the fallback where there is no namespace."""
    rc, out, err = run([host["path"], "-T" if dump else "-t"])
    return Verdict(False, rc == 0, messages(err), out)


def messages(stderr: str) -> list[str]:
    """nginx's own words, without times, process ids and its summary lines."""
    found = re.findall(r"(\[(?:emerg|alert|crit|error|warn)\]) (?:\d+#\d+: )?(.*)$", stderr, re.MULTILINE)
    lines = [f"{level} {text}" for level, text in found] or [
        line for line in stderr.splitlines() if line and line != ISOLATED
    ]
    return list(dict.fromkeys(lines))


def conflicts(lines: list[str], ours: set[str]) -> list[str]:
    """The server names of *ours* that nginx says it would ignore, because another server block has them."""
    names = [match[1] for match in (re.search(r'conflicting server name "([^"]*)"', line) for line in lines) if match]
    return sorted({name for name in names if name.lower() in ours})


def blame(line: str, conf_dir: str) -> str:
    """Whose file a message of nginx is about, in words."""
    match = re.search(r" in (/\S+):(\d+)", line)
    if not match:
        return ""
    site = re.search(rf"^{re.escape(conf_dir)}/gatehouse/live/sites/(.+)\.conf$", match[1])
    if site:
        return f"This is site '{site[1]}'."
    if match[1].startswith(f"{conf_dir}/gatehouse/"):
        return ""
    return f"{match[1]} does not belong to Gatehouse: line {match[2]} has to be mended by its owner."
