"""One app, the project `steady`, on a host with thousands of slow clients."""

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.steady import variant_in

PROGRAM = Path(__file__).parents[1] / "helpers/on_host/slow.py"
# Seconds after which the slow clients end, whatever becomes of the test.
LONGEST = "1700"


@pytest.fixture
def variant(tmp_path):
    """Makes copies of the project; each is a release of its own."""
    return lambda files=None: variant_in(tmp_path, files)


@pytest.fixture
def slow_clients(host):
    """A context with *count* slow clients of a *kind*; the result is filled when it ends."""

    @contextmanager
    def stay(kind, count):
        program = ["python3", "-c", PROGRAM.read_text(), "slow.example.test", kind, str(count), "--port=8080"]
        command = ["podman", "exec", "--interactive", host.backend.name, "timeout", LONGEST, *program]
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen([*command, "--upload=/write", "--large=/large"], **streams)
        try:
            seen = {"at first": json.loads(process.stdout.readline())["held"]}
            yield seen
            process.stdin.close()
            seen["meanwhile"] = json.loads(process.stdout.readline())["held"]
        finally:
            process.kill()
            process.wait()

    return stay
