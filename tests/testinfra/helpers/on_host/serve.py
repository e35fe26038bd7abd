"""Runs modules of the collection on the host that this is copied to. A request is a line of JSON, and so is its answer.

Every run of a module is a process of its own, forked from this one, which has imported all that it needs.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import time
import traceback

import look
from ansible.module_utils import basic
from ansible_collections.gatehouse.django.plugins.modules import django_doctor, nginx_config, nginx_info

MODULES = {"django_doctor": django_doctor, "nginx_config": nginx_config, "nginx_info": nginx_info}
UTILS = "ansible_collections.gatehouse.django.plugins.module_utils"
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = {
    *("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.chown", "os.truncate"),
    *("os.utime", "os.setxattr"),
}


class Run:
    """One run of a module. `kill_at`: SIGKILL right before its Nth change; `kill_after`: at some moment, in seconds."""

    def __init__(self, module, args, kill_at=None, kill_after=None, patch=None):
        self.out, self.err, self.events = (os.memfd_create(name) for name in ("out", "err", "events"))
        self.kill_after, self.started = kill_after, time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(MODULES[module], args, kill_at, patch or {})

    def outcome(self):
        if self.kill_after is not None:
            time.sleep(max(0.0, self.started + self.kill_after - time.monotonic()))
            os.kill(self.pid, signal.SIGKILL)  # until it is waited for, no other process gets its pid
        _pid, status = os.waitpid(self.pid, 0)
        seconds = time.monotonic() - self.started
        out, err, events = (read(descriptor) for descriptor in (self.out, self.err, self.events))
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        return {"killed": killed, "out": out, "err": err, "events": events.splitlines(), "seconds": seconds}

    def _become(self, module, args, kill_at, patch):
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (self.out, 1), (self.err, 2)):
            os.dup2(source, target)
        for name, value in patch.items():
            place, _dot, attribute = name.rpartition(".")
            setattr(sys.modules[f"{UTILS}.{place}"], attribute, value)
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
        basic._ANSIBLE_PROFILE = "legacy"
        watch_changes(self.events, kill_at)
        try:
            module.main()
        except SystemExit:
            pass
        except BaseException:
            traceback.print_exc()
        atexit._run_exitfuncs()  # Ansible's temporary directory goes
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def watch_changes(log, kill_at):
    """Write to *log* each change that this process makes to the file system, and each process that it starts."""
    count = 0

    def seen(event, what):
        nonlocal count
        count += 1
        os.write(log, (" ".join(f"{event} {what}".split()) + "\n").encode())
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event, args):
        if event == "open" and args[2] & WRITES and not str(args[0]).startswith(("/dev/", "/proc/")):
            seen(event, args[0])
        elif event == "subprocess.Popen":
            seen(event, " ".join(map(os.fsdecode, args[1])))
        elif event == "os.rename":
            seen(event, f"{args[0]} {args[1]}")
        elif event in CHANGES and not in_vain(event, *args):
            seen(event, args[0])

    def fsync(descriptor, real=os.fsync):
        # Has no audit event; what was written so far is there, what follows is not.
        seen("os.fsync", os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    os.fsync = fsync
    sys.addaudithook(hook)


def in_vain(event, path, *rest):
    """Whether nothing comes of it: what is to be removed is not there, or what is to be made is."""
    if isinstance(path, int):
        return False
    directory = rest[-1] if event in ("os.remove", "os.mkdir") and rest[-1] != -1 else None
    try:
        os.stat(path, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return event == "os.remove"
    return event == "os.mkdir"


def read(descriptor):
    with os.fdopen(descriptor, "rb") as stream:
        stream.seek(0)
        return stream.read().decode(errors="replace")


def run(runs):
    """All of them at once."""
    return [started.outcome() for started in [Run(**options) for options in runs]]


def shell(command):
    done = subprocess.run(
        ["bash", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    return {"rc": done.returncode, "out": done.stdout, "err": done.stderr}


def answer(request):
    what, args = request
    handler = {"run": run, "shell": shell}.get(what) or getattr(look, what)
    try:
        return {"answer": handler(*args)}
    except Exception:
        return {"problem": traceback.format_exc()}


def main():
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
