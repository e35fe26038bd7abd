"""Playbooks that a test runs against the hosts of a scenario."""

import json
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def inventory(host=None):
    """The inventory of the scenario that *host* belongs to, as its name says: gatehouse-SCENARIO-SUITE."""
    scenario = host.backend.name.split("-")[1] if host else "default"
    return REPOSITORY / "molecule" / scenario / "inventory"


def run_play(playbook, host=None, **variables):
    """What *playbook* prints on *host*, or on all hosts of the default scenario; extra variables as keywords."""
    # All that a user can make it print: no secret may be among it.
    command = [
        "ansible-playbook",
        "--diff",
        "-vvv",
        f"--inventory={inventory(host)}",
        f"--limit={host.backend.name if host else 'all'}",
        f"--extra-vars={json.dumps(variables)}",
        str(playbook),
    ]
    played = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    return played.stdout + played.stderr
