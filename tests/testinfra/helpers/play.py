"""Playbooks that a test runs against the hosts of the default scenario."""

import json
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def run_play(playbook, host=None, **variables):
    """Run *playbook* on the hosts of the default scenario, or on one of them; extra variables as keywords."""
    command = [
        "ansible-playbook",
        f"--inventory={REPOSITORY}/molecule/default/inventory",
        f"--limit={host.backend.name if host else 'all'}",
        f"--extra-vars={json.dumps(variables)}",
        str(playbook),
    ]
    played = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
