"""Plays of a test's own against all hosts of the scenario, and what is seen of the hosts meanwhile."""

import json
import os
import subprocess
from pathlib import Path

from helpers.play import ANSIBLE, REPOSITORY

HERE = Path(__file__).parent
HOSTS = ("gatehouse-processes-bookworm", "gatehouse-processes-trixie")
OLD_TOKEN = "a-token-before-it-is-rotated"
NEW_TOKEN = "a-token-that-came-with-the-second-release"
PASSWORD = "a-password-for-throwaway-hosts"
# In the arguments of a process of the app: found, or looking for words finds nothing.
SHOWN = "/srv/queue/data/beat"


def play(playbook, directory, hosts=HOSTS, **variables):
    """Whether *playbook* succeeds on these hosts, and all that it can be made to print."""
    # In a file, since there are secrets among them.
    given = directory / "variables.json"
    given.write_text(json.dumps(variables))
    inventory = REPOSITORY / "molecule/processes/inventory"
    options = ["--diff", "-vvv", f"--inventory={inventory}", f"--limit={','.join(hosts)}", f"--extra-vars=@{given}"]
    command = ["ansible-playbook", *options, str(playbook)]
    environment = os.environ | ANSIBLE
    played = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    return played.returncode == 0, played.stdout + played.stderr


def on_host(name, script, *arguments):
    """The command that runs a script of this directory's on the host."""
    source = (HERE / "on_host" / script).read_text()
    return ["podman", "exec", "--interactive", name, "python3", "-c", source, *arguments]


class Observer:
    """The script observe.py on a host, until it is stopped."""

    def __init__(self, name):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(on_host(name, "observe.py"), **pipes)
        self.process.stdin.write(json.dumps([OLD_TOKEN, NEW_TOKEN, PASSWORD, SHOWN]) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ready\n"

    def stop(self):
        out, _err = self.process.communicate()
        return json.loads(out)
