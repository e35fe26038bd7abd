"""What is on the host: asked by serve.py beside it."""

import fcntl
import hashlib
import json
import os
import re
import stat
import subprocess
from pathlib import Path

NGINX = Path("/etc/nginx")
HOME = NGINX / "gatehouse"
RECORD = "gatehouse-nginx-generation"
LOCK = Path("/run/gatehouse/locks/nginx")
BIG = 1 << 20  # bytes: of a larger file the times tell
# What changes by itself, and why.
RESTLESS = (
    r"/var/log/journal(/.*)?",  # journald writes
    r"/run/log/journal(/.*)?",
    r"/run/systemd/journal/.*",
    r"/run/systemd/units(/.*)?",  # systemd notes timers and services that start meanwhile
    r"/run/credentials(/.*)?",
    r"/run/systemd/transient(/.*)?",
    r"/run/systemd/timers?(/.*)?",
    r"/run/gatehouse(/.*)?",  # the locks, and who took them last
    r"/var/lib/systemd/timers/.*",
    r"/var/log/nginx/.*access\.log",  # nginx's workers write their buffers some seconds after a request
)


def snapshot(*trees):
    """Everything below *trees*, with content, mode, owner and times."""
    restless = re.compile("|".join(RESTLESS))
    found = {}
    for tree in trees:
        for directory, _directories, names in os.walk(tree):
            for path in (directory, *(os.path.join(directory, name) for name in names)):
                if not restless.fullmatch(path):
                    found[path] = _state(path)
            found.update({path: _state(path) for path in _links(directory) if not restless.fullmatch(path)})
    return found


def _links(directory):
    return [entry.path for entry in os.scandir(directory) if entry.is_symlink()]


def _state(path):
    try:
        entry = os.lstat(path)
        content = ""
        if stat.S_ISLNK(entry.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(entry.st_mode) and entry.st_size < BIG:
            content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
    owner = f"{entry.st_uid}:{entry.st_gid}"
    return [f"{entry.st_mode:o}", owner, entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns, content]


def live_files():
    """The files of the live generation, and its number."""
    live = HOME / "live"
    files = {str(path.relative_to(live)): path.read_text() for path in live.rglob("*") if path.is_file()}
    return {"number": os.readlink(live).rpartition("/")[2], "files": files}


def configuration():
    """What nginx says of the configuration that it would start with: whether it is valid, and its dump."""
    done = subprocess.run(["nginx", "-T"], capture_output=True, text=True, errors="replace", check=False)
    return {"valid": done.returncode == 0, "said": done.stderr, "dump": done.stdout}


def leftovers():
    """What no run may leave behind, as sentences."""
    return [*_foreign_names(), *_incomplete_generations(), *_mounts(), *_lock(), *_temporaries()]


def _foreign_names():
    wanted = {"generations", "live", "nginx.conf.original"}
    yield from (f"{path} is none of the three names" for path in HOME.iterdir() if path.name not in wanted)
    for path in NGINX.rglob("*"):
        if path.name.startswith(".") or path.name.endswith((".new", "~", "gatehouse-new")):
            yield f"{path} is a temporary name"


def _incomplete_generations():
    for path in (HOME / "generations").iterdir():
        if not path.name.isdigit():
            yield f"{path} is no generation"
        elif not (path / "state.json").is_file():
            yield f"{path} is incomplete"
        else:
            sites = json.loads((path / "state.json").read_text())["sites"]
            yield from (f"{path} lacks {site}" for site in sites if not (path / f"sites/{site}.conf").is_file())


def _mounts():
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    yield from (f"{line} is mounted" for line in mounts if "gatehouse" in line.partition(" - ")[0].split()[4])
    yield from (f"{line} is mounted" for line in mounts if line.partition(" - ")[2].split()[1] == "gatehouse")


def _lock():
    descriptor = os.open(LOCK, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield f"{LOCK} is locked"
    finally:
        os.close(descriptor)


def _temporaries():
    for tree in ("/run", "/tmp", "/var/tmp"):
        for directory, directories, names in os.walk(tree):
            for name in (*directories, *names):
                if "gatehouse" in name and f"{directory}/{name}" not in (f"/run/{RECORD}", "/run/gatehouse"):
                    yield f"{directory}/{name} is ours"
    yield from (f"/tmp/{name} is left" for name in os.listdir("/tmp") if "ansible" in name)
