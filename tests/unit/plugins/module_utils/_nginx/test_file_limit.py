"""The limit of open files is raised to the hard limit; a process that has ended is no error. What a host can give."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.file_limit import available, raise_file_limit


def test_another_process():
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (64, hard))
        raise_file_limit(process.pid)
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
        process.communicate(b"\n")


def test_a_process_that_has_ended():
    """Smoke test: nothing is raised."""
    process = subprocess.Popen(["true"])
    process.wait()
    raise_file_limit(process.pid)


PROGRAM = """
import resource, sys
from {module} import available
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))
print(available(lambda: {master}))
"""


def told(master, *wrapper):
    """What `available` tells a process with a hard limit of 128 files."""
    program = PROGRAM.format(module=available.__module__, master=master)
    command = [*wrapper, sys.executable, "-c", program]
    return int(
        subprocess.run(
            command, check=True, capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
        ).stdout
    )


def test_a_host_that_lets_no_process_raise_its_limit_gives_what_the_master_has():
    without = ("setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (64, 1000))
        assert told(process.pid, *without) == 1000
        process.communicate(b"\n")


def test_a_master_that_has_ended():
    process = subprocess.Popen(["true"])
    process.wait()
    assert told(process.pid, "setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource") == 128


def test_the_limit_of_this_process_stays():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert available(lambda: None) <= int(Path("/proc/sys/fs/nr_open").read_text())
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
