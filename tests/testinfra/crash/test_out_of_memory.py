"""A step of a deployment is killed for lack of memory: the message says so, and names the option."""

import subprocess

from helpers.hosts import release_of
from helpers.load import load
from helpers.steady import site_of, start_deploy

# What systemd-oomd(8) does. No container of a machine with the older control groups has a memory controller, so that
# systemd could see the kernel do it; the result of the unit is the same.
STARVE = """
import os, time
from pathlib import Path
end = time.monotonic() + 300
while time.monotonic() < end:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\\0")
            if b"python" in words[0] and words[1].endswith(b"/gatehouse_prepare.py"):
                group = "/sys/fs/cgroup" + (process / "cgroup").read_text().strip().split("::")[1]
                os.setxattr(group, "user.oomd_ooms", b"1")
                os.setxattr(group, "user.oomd_kill", b"1")
                os.kill(int(process.name), 9)
                raise SystemExit
        except (OSError, IndexError):
            continue
    time.sleep(0.01)
"""


def test_a_step_without_memory_is_explained(host, address, variant):
    served = release_of(host, "steady")
    command = ["podman", "exec", host.backend.name, "python3", "-c", STARVE]
    with load(address, site_of("steady")) as seen, subprocess.Popen(command) as killer:
        played = start_deploy(host, variant()).finish()
    assert killer.returncode == 0
    assert played.code != 0
    assert "phase 'prepare': It was killed for lack of memory (oom-kill). " in played.refusal
    assert "limits: {memory: ...}" in played.refusal
    assert f"State of the host: {served} is served, as before." in played.refusal
    assert seen.failures == []
