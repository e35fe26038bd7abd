"""Playbooks that a test runs against the hosts of a scenario."""

import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .hosts import scenario

REPOSITORY = Path(__file__).parents[3]
# As molecule has it: one `podman exec` for each task instead of five, two for each file instead of four. But what is
# printed here is read by tests.
ANSIBLE = {
    **{"ANSIBLE_PIPELINING": "true", "ANSIBLE_PODMAN_MOUNT_DETECTION": "false"},
    **{"ANSIBLE_FORCE_COLOR": "false", "ANSIBLE_NOCOLOR": "true"},
}


@dataclass
class Played:
    """A play that ended: its exit code, all that it printed, and the seconds it took."""

    code: int
    output: str
    seconds: float

    @property
    def refusal(self):
        """The message of the task that failed last, as an operator reads it."""
        _before, _failed, last = self.output.rpartition("FAILED! => ")
        found = re.search(r'"msg": ("(?:[^"\\]|\\.)*")', last)
        return json.loads(found[1]) if found else self.output


def inventory(host=None):
    """The inventory of the scenario that *host* belongs to, as its name says."""
    return REPOSITORY / "molecule" / (scenario(host.backend.name) if host else "default") / "inventory"


class Play:
    """A play that runs on *host*, or on some *hosts* of its scenario (of the default one without it); in check mode or
    not; only the tasks with certain *tags*, or all; extra variables as keywords. *inventory_at* is another inventory.
    """

    def __init__(self, playbook, host=None, hosts=(), check=False, tags=(), inventory_at=None, **variables):
        limit = hosts or ([host.backend.name] if host else ["all"])
        # All that a user can make it print: no secret may be among it.
        command = [
            "ansible-playbook",
            "--diff",
            "-vvv",
            f"--inventory={inventory_at or inventory(host)}",
            f"--limit={','.join(limit)}",
            f"--extra-vars={json.dumps(variables)}",
            *(["--check"] if check else []),
            *([f"--tags={','.join(tags)}"] if tags else []),
            str(playbook),
        ]
        # A file never keeps the play waiting, and its children may outlive it.
        self.output = tempfile.TemporaryFile("w+")
        self.start = time.monotonic()
        environment = os.environ | ANSIBLE
        streams = {"stdout": self.output, "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, **streams)

    def finish(self):
        """How it ended, well or not."""
        code = self.process.wait()
        seconds = time.monotonic() - self.start
        with self.output:
            self.output.seek(0)
            return Played(code, self.output.read(), seconds)


def run_play(playbook, host=None, **variables):
    """What *playbook* prints, which must succeed."""
    played = Play(playbook, host, **variables).finish()
    assert played.code == 0, played.output
    return played.output
