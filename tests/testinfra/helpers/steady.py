"""The project `steady`: variants of it, how they are deployed, and what the host then has of the app."""

import shutil
import uuid
from pathlib import Path

from .hosts import release_of
from .play import REPOSITORY, Play

PROJECT = REPOSITORY / "tests/projects/steady"
DEPLOY = Path(__file__).parent / "deploy.yml"
ROLLBACK = "gatehouse.django.rollback"


def site_of(app):
    return f"{app}.example.test"


def variant_in(directory, files=None):
    """A copy of the project that is a release of its own; *files* are written over it, or appended with a + before."""
    copy = Path(directory) / uuid.uuid4().hex
    shutil.copytree(PROJECT, copy)
    with (copy / "steady/static/steady/steady.css").open("a") as stylesheet:
        stylesheet.write(f"/* {copy.name} */\n")
    for name, content in (files or {}).items():
        path = copy / name.lstrip("+")
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text() if name.startswith("+") else ""
        path.write_text(before + content)
    return copy


def start_deploy(host, project, app="steady", confirm="", **changes):
    """The play that deploys *project*, running; options of the app as keywords."""
    changes = {"source": {"directory": str(project)}, **changes}
    return Play(DEPLOY, host, lab_app=app, lab_changes=changes, confirm=confirm)


def deploy(host, project, app="steady", **changes):
    """The release that is served afterwards."""
    played = start_deploy(host, project, app, **changes).finish()
    assert played.code == 0, played.output
    return release_of(host, app)


def try_rollback(host, app="steady", **options):
    """How the play ended that rolls back; options as keywords: release, ignore_migrations."""
    given = {f"django_app_{name}": value for name, value in options.items()}
    return Play(ROLLBACK, host, django_app_name=app, **given).finish()


def rollback(host, app="steady", **options):
    """The release that is served afterwards."""
    played = try_rollback(host, app, **options)
    assert played.code == 0, played.output
    return release_of(host, app)


def releases(host, app="steady"):
    """The complete releases, in no order."""
    found = host.run("ls -d /srv/%s/releases/*/.complete", app).stdout
    return {line.split("/")[4] for line in found.splitlines()}


def failed(host, app="steady"):
    """The candidates that were put aside, the newest one first."""
    return host.run("ls -t /srv/%s/failed", app).stdout.split()


def main_pid(host, app="steady"):
    """The process of gunicorn's master that serves."""
    unit = f"{app}-web@{release_of(host, app)}.service"
    return host.check_output("systemctl show -P MainPID %s", unit)


def footprint(host, app="steady"):
    """What a deployment leaves of an app on the host, with the release that is served as CURRENT: nothing may leak."""
    looks = {
        # A snapshot from before migrations stays with the release that had been served.
        "entries": f"ls -A --ignore=failed --ignore=snapshots /srv/{app}",
        "unfinished releases": f"cd /srv/{app}/releases; for r in *; do [ -e $r/.complete ] || echo $r; done",
        "units": f"systemctl list-units --all --plain --no-legend --full '*{app}*' | cut -d ' ' -f 1",
        "unit files": f"find /etc/systemd /run/systemd -name '*{app}*'",
        "sockets": f"ss -xlH | grep -o '/srv/{app}/[^ ]*' | sort -u",
        "processes": f"ps -o cgroup= -u {app} | sed 's/.*\\///' | sort -u",
    }
    current = release_of(host, app)
    found = {what: host.run(command).stdout.replace(current, "CURRENT").split("\n") for what, command in looks.items()}
    return {what: sorted(filter(None, lines)) for what, lines in found.items()}
