"""Playbooks that a test runs against the hosts of the default scenario."""

import json
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def run_play(playbook, host=None, **variables):
    """What *playbook* prints on the hosts of the default scenario, or on one of them; extra variables as keywords."""
    # All that a user can make it print: no secret may be among it.
    command = [
        "ansible-playbook",
        "--diff",
        "-vvv",
        f"--inventory={REPOSITORY}/molecule/default/inventory",
        f"--limit={host.backend.name if host else 'all'}",
        f"--extra-vars={json.dumps(variables)}",
        str(playbook),
    ]
    played = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    return played.stdout + played.stderr
