"""Thousands of slow clients delay no other: the seed of a scenario with all kinds of traffic."""

import json
import subprocess
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "helpers/on_host/slow.py"
SLOW, GOOD = 3000, 200
BODY = "the upstream shop"


def test_good_requests_are_answered_beside_slow_clients(host, driver):
    assert not driver.publish(nginx_conf={"manage": "always"})["failed"]
    command = ["podman", "exec", "--interactive", host.backend.name, "timeout", "60", "python3", "-"]
    command += ["shop.example.test", str(SLOW), str(GOOD), BODY]
    done = subprocess.run(command, stdin=PROGRAM.open(), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["files"] > SLOW + 100, "this host lets the client open too few files"
    assert found["held"] == SLOW, found
    assert (found["idle"]["failed"], found["busy"]["failed"]) == (0, 0), found
    # The benchmark compares the two; this machine is shared, so here it is only no standstill.
    assert found["busy"]["p99_ms"] < 10 * found["idle"]["p99_ms"] + 100, found
