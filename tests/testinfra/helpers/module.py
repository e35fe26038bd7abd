"""One call of a module of the collection on a host of a scenario."""

import json
import os
import subprocess

from .play import ANSIBLE, REPOSITORY, inventory


def call(target, module, /, check=False, **args):
    """What gatehouse.django.*module* answers, whether it succeeds or fails."""
    command = [
        "ansible",
        target.backend.name,
        f"--inventory={inventory(target)}",
        f"--module-name=gatehouse.django.{module}",
        f"--args={json.dumps(args)}",
        "--diff",
        *(["--check"] if check else []),
    ]
    environment = os.environ | ANSIBLE
    called = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    head, arrow, answered = called.stdout.partition(" => ")
    assert arrow, called.stdout + called.stderr
    answer, _end = json.JSONDecoder().raw_decode(answered)
    # The callback takes diff and warnings out of the answer and prints them.
    return answer | {"failed": "FAILED!" in head, "printed": called.stdout + called.stderr}
