"""Kill what takes part in a deployment with SIGKILL: the play, the module on the host, or a step of the module."""

import subprocess
import threading
from pathlib import Path

from .steady import start_deploy

ON_HOST = Path(__file__).parent / "on_host/kill.py"
VICTIMS = ["play", "module", "step"]


def on_host(host, victim, moment=0.0, app="steady"):
    """kill.py on the host, running."""
    command = ["podman", "exec", "--interactive", host.backend.name, "python3", "-", app, victim, str(moment)]
    return subprocess.Popen(command, stdin=ON_HOST.open(), stdout=subprocess.PIPE, text=True)


def span(host, project):
    """Seconds that a deployment takes in all, and those for which it holds the app's lock."""
    held = on_host(host, "none")
    played = start_deploy(host, project).finish()
    assert played.code == 0, played.output
    return played.seconds, float(held.communicate()[0])


def die(host, project, victim, delay):
    """What was killed, *delay* seconds after a deployment began, or took its lock; nothing if it was over by then."""
    if victim == "play":
        play = start_deploy(host, project)
        timer = threading.Timer(delay, play.process.kill)
        timer.start()
        killed = "ansible-playbook" if play.finish().code < 0 else ""
        timer.cancel()
        return killed
    killer = on_host(host, victim, delay)
    start_deploy(host, project).finish()
    return killer.communicate()[0].strip()
