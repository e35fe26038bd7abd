"""Deployments of the scenario's apps with something changed, and what they leave of the host."""

import json
import shutil
import subprocess
from pathlib import Path

from helpers.play import REPOSITORY, Play

DEPLOY = Path(__file__).parents[1] / "helpers/deploy.yml"
PROJECT = REPOSITORY / "tests/projects/tiny"
SNAPSHOT = Path(__file__).parent / "snapshot.py"


def deploy(host, app, directory=None, confirm="", **changes):
    """How the play ended; *directory* is a project on the controller, options of the app are keywords."""
    changes |= {"source": {"directory": str(directory)}} if directory else {}
    return Play(DEPLOY, host, lab_app=app, lab_changes=changes, confirm=confirm).finish()


def snapshot(host, app):
    """Mode, owner, links, size, times and content of all files that are not those of *app*."""
    command = ["podman", "exec", "--interactive", host.backend.name, "python3", "-", app]
    done = subprocess.run(command, stdin=SNAPSHOT.open(), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def differences(before, after):
    """The paths that differ."""
    return {path: (before.get(path), after.get(path)) for path in before | after if before.get(path) != after.get(path)}


def copied(target, files):
    """A copy of the project as *target*: *files* are written into it, those with a `+` before their name appended."""
    shutil.copytree(PROJECT, target)
    for name, content in files.items():
        path = target / name.lstrip("+")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() if name.startswith("+") else "") + content)
    return target
