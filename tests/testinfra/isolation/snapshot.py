"""Print, as JSON, what the host has of files that an app must not touch: mode, owner, links, size, time, content."""

import hashlib
import json
import os
import stat
import sys

app = sys.argv[1]
# Root's own work of a deploy: users and units of the app, and what Ansible, systemd and nginx keep for themselves.
OWN = (
    f"/srv/{app}",
    f"/var/lib/gatehouse/history/{app}.jsonl",
    # The attacker's other app goes on running.
    "/srv/evil",
    f"/etc/systemd/system/{app}-",
    f"/etc/systemd/system/gatehouse-{app}.slice",
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/subuid",
    "/etc/subgid",
    "/etc/.pwd.lock",
    "/root/.ansible",
    "/root/.cache",
    "/var/log",
    "/var/cache",
    "/var/lib/systemd",
    "/var/lib/apt",
    "/var/tmp",
)
PLACES = ("/etc", "/opt", "/root", "/srv", "/usr/local", "/var")
# Directories whose entries come and go with the app's own.
SHARED = ("/srv", "/etc", "/etc/systemd/system", "/etc/systemd/system/multi-user.target.wants")


def look(path):
    found = os.lstat(path)
    facts = [found.st_mode, found.st_uid, found.st_gid, found.st_nlink]
    if stat.S_ISREG(found.st_mode):
        with open(path, "rb") as file:
            facts += [found.st_mtime_ns, hashlib.sha256(file.read()).hexdigest()]
    elif stat.S_ISLNK(found.st_mode):
        facts.append(os.readlink(path))
    return [] if path in SHARED else facts


seen = {}
for place in PLACES:
    for directory, directories, files in os.walk(place):
        directories[:] = [name for name in directories if not os.path.join(directory, name).startswith(OWN)]
        for name in [*directories, *files]:
            path = os.path.join(directory, name)
            if not path.startswith(OWN) and f"/{app}-" not in path and not name.endswith("-shm"):
                seen[path] = look(path)
json.dump(seen, sys.stdout)
