"""What is on a host of the apps and of their neighbours."""

import grp
import json
import os
import pwd
import subprocess

# What apps write while they run is theirs.
PLACES = ("/etc/systemd/system", "/srv", "/var/lib/systemd/timers")


def files():
    for place in PLACES:
        for directory, directories, names in os.walk(place):
            if os.path.basename(directory) in ("releases", "failed"):
                # What is in one stands or falls with it.
                names, directories[:] = [*names, *directories], []
            for name in [*directories, *names]:
                path = os.path.join(directory, name)
                link = os.readlink(path) if os.path.islink(path) else ""
                yield f"{path} -> {link}" if link else path


def processes(*pattern):
    return subprocess.run(["pgrep", *pattern], capture_output=True, text=True, check=False).stdout.split()


def units():
    command = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "queue*", "gatehouse-queue*"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sorted(line.split()[0] for line in found.splitlines())


users = sorted({entry.pw_name for entry in pwd.getpwall()} | {entry.gr_name for entry in grp.getgrall()})
print(
    json.dumps(
        {
            "files": sorted(files()),
            "users": users,
            "units": units(),
            "processes": {user: processes("--uid", user) for user in ("queue", "queue-two") if user in users},
            # Patterns that do not match themselves: this script stands in the arguments of its process.
            "left": processes("--full", "[c]elery|^sleep 600"),
            "unrelated": processes("--full", "^[^ ]*sleep 98765"),
        }
    )
)
