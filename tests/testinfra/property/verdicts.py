"""Runs on a host and answers one nginx configuration after another: a line of JSON in, nginx's words out.

In a mount and a network namespace of its own, where no change is seen outside, every address can be bound and every
name that an application could have resolves.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

SCRATCH = Path("/mnt")
CONF_DIR = Path("/etc/nginx")


def run(*command):
    subprocess.run(command, check=True)


def isolate():
    run("mount", "-t", "tmpfs", "tmpfs", SCRATCH)
    shutil.copytree(CONF_DIR, SCRATCH / "nginx", symlinks=True, ignore=shutil.ignore_patterns("gatehouse"))
    (SCRATCH / "hosts").touch()
    run("mount", "--bind", SCRATCH / "nginx", CONF_DIR)
    run("mount", "--bind", SCRATCH / "hosts", "/etc/hosts")
    for directory in ("/run", "/var/log/nginx", "/var/lib/nginx"):
        run("mount", "-t", "tmpfs", "tmpfs", directory)
    run("ip", "link", "set", "lo", "up")
    for version in ("ipv4", "ipv6"):
        Path(f"/proc/sys/net/{version}/ip_nonlocal_bind").write_text("1")


def verdict(files, names):
    """What nginx says of *files* (by path below its directory), empty where it has nothing to say against them."""
    shutil.rmtree(CONF_DIR / "gatehouse", ignore_errors=True)
    for name, content in files.items():
        path = CONF_DIR / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    Path("/etc/hosts").write_text("".join(f"127.0.0.1 {name}\n" for name in ["localhost", *names]))
    tested = subprocess.run(["nginx", "-t"], capture_output=True, text=True, errors="replace", check=False)
    # Warnings, too: each of them says that nginx ignores something.
    objected = tested.returncode != 0 or "[" in tested.stderr
    return tested.stderr if objected else ""


isolate()
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    print(json.dumps(verdict(**json.loads(line))), flush=True)
