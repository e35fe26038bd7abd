# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate a candidate with ``nginx -t`` inside a private mount namespace, before it is live.

``nginx -t`` creates log files, cache directories and an empty pid file, so inside the namespace writes to those trees
go to memory. The candidate is unpacked over its place and is not visible outside (mount_namespaces(7), nginx(8)).
"""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core.files import BYTES
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts

ISOLATED = "gatehouse: isolated"
# The directories that a configuration in $conf_dir names for what nginx writes, each after its directive, between
# quotes (octal 042, 047) or not. Of files only the directories count: a thousand sites have a thousand logs. Of the
# generations nginx reads only the live one; ten of a thousand sites each are ten thousand files.
WRITTEN = r"""
find "$conf_dir" "$conf_dir/gatehouse/live/" -path "$conf_dir/gatehouse/generations" -prune -o -type f -exec \
    grep -hoE '(access_log|error_log|pid|[a-z]+_temp_path|[a-z]+_cache_path)[[:space:]]+.?/[^;[:space:]]+' {} + \
    2>/dev/null |
    tr -d '\042\047' | sed -E 's,^((access|error)_log|pid)([[:space:]].*/).*,\1\3,' | sort -u
""".strip()
# $1: the nginx binary; $2: -t or -T; $3: nginx's directory; $4: the other directories that the candidate changes; the
# rest: files that it removes. Standard input: a tar archive of the files that it adds.
SCRIPT = f"""
set -eu
nginx=$1 test=$2 conf_dir=$3 touched=$4 covered=
shift 4
umask 022

# Send to memory what is written below a directory, or where it will be made.
cover() {{
    directory=$(readlink -m "$1")
    while [ ! -d "$directory" ]; do directory=$(dirname "$directory"); done
    case $directory/ in // | /dev/* | /tmp/*) return ;; esac
    for above in $covered; do
        case $directory/ in "$above"/*) return ;; esac
    done
    covered="$covered $directory"
    layer=/tmp/$(echo "$directory" | tr / _)
    mkdir -p "$layer/upper" "$layer/work"
    mount -t overlay -o "lowerdir=$directory,upperdir=$layer/upper,workdir=$layer/work" gatehouse "$directory"
}}

mount -t tmpfs -o mode=0700 gatehouse /tmp
for tree in "$conf_dir" $touched; do cover "$tree"; done
for tree in /run /var/log /var/lib/nginx /var/cache/nginx; do
    if [ -d "$tree" ]; then cover "$tree"; fi
done
tar --extract --preserve-permissions --no-same-owner --directory=/
if [ $# -gt 0 ]; then rm -f -- "$@"; fi

# Logs, caches and temporary files may be configured to be anywhere.
{WRITTEN} >/tmp/written
while read -r _ path; do cover "$path"; done </tmp/written
# The mounts hold on to their memory; what was in /tmp is seen again.
umount --lazy /tmp
echo "{ISOLATED}" >&2
exec "$nginx" "$test"
"""
# If the script fails before it reads the archive, cat reads it: run_command would fail on the broken pipe.
RUN_IN_NAMESPACE = 'unshare --mount --propagation private sh -c "$@"; rc=$?; cat >/dev/null; exit "$rc"'


@dataclass
class ValidationResult:
    """The result of ``nginx -t``: ``isolated`` is False if the kernel refused the namespace."""

    isolated: bool
    valid: bool
    messages: list[str]
    dump: str


def check(
    run: Run,
    host: NginxFacts,
    files: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
    removed: tuple[str, ...] = (),
    *,
    dump: bool = False,
) -> ValidationResult:
    """Let nginx test the host's whole configuration with *files* and *links* added and *removed* removed.

    All use absolute paths. Without them, nginx tests the live configuration.
    """
    command = ["sh", "-c", RUN_IN_NAMESPACE, "gatehouse", SCRIPT, "gatehouse"]
    files = {_with_parents_resolved(path): content for path, content in (files or {}).items()}
    links = {_with_parents_resolved(path): target for path, target in (links or {}).items()}
    touched = sorted({os.path.dirname(path) for path in [*files, *links, *map(_with_parents_resolved, removed)]})
    command += [host["path"] or "nginx", "-T" if dump else "-t", host["conf_dir"], " ".join(touched), *removed]
    rc, out, err = run(command, data=_archive(files, links), binary_data=True)
    isolated = ISOLATED in err.splitlines()
    return ValidationResult(isolated, rc == 0 and isolated, messages(err), out)


def check_in_place(run: Run, host: NginxFacts, *, dump: bool = False) -> ValidationResult:
    """Let nginx test the live configuration without a namespace: the fallback if the kernel refuses one."""
    pid_file = Path(host["pid_path"])
    running = pid_file.exists()
    rc, out, err = run([host["path"] or "nginx", "-T" if dump else "-t"])
    if not running and pid_file.exists() and not pid_file.stat().st_size:
        # nginx -t has created it, and a later reload by hand would fail because of it.
        pid_file.unlink()
    return ValidationResult(False, rc == 0, messages(err), out)


def _with_parents_resolved(path: str) -> str:
    """*path* with symlinks in its parent directories resolved, so that their target is covered as well."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _archive(files: Mapping[str, str], links: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            data = content.encode("utf-8", errors=BYTES)
            member = tarfile.TarInfo(path.lstrip("/"))
            member.mode, member.size = 0o644, len(data)
            archive.addfile(member, io.BytesIO(data))
        for path, target in links.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.type, member.linkname, member.mode = tarfile.SYMTYPE, target, 0o777
            archive.addfile(member)
    return buffer.getvalue()


def messages(stderr: str) -> list[str]:
    """nginx's messages, without times, process ids and summary lines."""
    found = re.findall(r"(\[(?:emerg|alert|crit|error|warn)\]) (?:\d+#\d+: )?(.*)$", stderr, re.MULTILINE)
    lines = [f"{level} {text}" for level, text in found] or [
        line for line in stderr.splitlines() if line and line != ISOLATED
    ]
    return list(dict.fromkeys(lines))
