"""nginx tests configurations on a real host, through one process for all examples."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.long import share_out
from hypothesis.configuration import set_hypothesis_home_dir

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
sys.path[:0] = [str(HERE), str(REPOSITORY / ".collections")]
set_hypothesis_home_dir(REPOSITORY / ".artifacts" / "hypothesis")


def pytest_collection_modifyitems(config, items):
    """The examples are the same on each host; what differs is its nginx."""
    share_out(config, items, "test_hostile_values.py", "test_snippets.py")


@pytest.fixture(scope="module")
def nginx_says(host):
    """nginx_says(files, names): nginx's objections to the files, with these host names resolving; empty for none."""
    program = (HERE / "verdicts.py").read_text()
    inside = ["unshare", "--mount", "--net", "--propagation", "private", "python3", "-c", program]
    command = ["podman", "exec", "--interactive", host.backend.name, *inside]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(files, names=()):
            process.stdin.write(json.dumps({"files": files, "names": list(names)}) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        assert json.loads(process.stdout.readline()) == "ready"
        yield ask
        process.stdin.close()
