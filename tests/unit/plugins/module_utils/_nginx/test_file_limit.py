"""The limit of open files is raised to the hard limit; a process that has ended is no error."""

from __future__ import annotations

import resource
import subprocess
import sys

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.file_limit import raise_file_limit


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
