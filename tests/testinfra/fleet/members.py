"""The app `shop`, which two hosts serve together, and releases of it that fail on demand."""

import json
import shutil
import uuid
from pathlib import Path

from helpers.play import REPOSITORY, Play

APP = "shop"
PROJECT = REPOSITORY / "tests/projects/ledger"
DEPLOY = Path(__file__).parents[1] / "helpers/deploy.yml"
# A host that has such a file cannot load the settings, answers with an error, or has a process that ends.
NO_BUILD, NO_START, NO_SWITCH = "/etc/lab-no-build", "/etc/lab-no-start", "/etc/lab-no-switch"
FAILS = {
    "+ledger/settings.py": f"""
if os.path.exists("{NO_BUILD}"):
    raise RuntimeError("this host cannot load the settings")
""",
    "+ledger/views.py": f"""
answer = entries


def entries(request):
    if os.path.exists("{NO_START}"):
        raise RuntimeError("this host cannot answer")
    return answer(request)
""",
}
PROCESSES = [
    {"name": "watch", "command": f"sh -c 'test ! -e {NO_SWITCH} && exec sleep infinity'"},
    {"name": "beat", "command": "sleep infinity", "run_on": "one"},
]
MIGRATION = """from django.db import migrations


def write(apps, schema_editor):
    apps.get_model("ledger", "Entry").objects.create(text="{name}")


class Migration(migrations.Migration):
    dependencies = [("ledger", "{before}")]
    operations = [{operations}migrations.RunPython(write, migrations.RunPython.noop)]
"""
# MESSAGE_ID of "unit started" and "unit stopped" (systemd, sd-messages.h).
STARTED, STOPPED = "39f53479d3a045ac8e11786248231fbf", "9d1aaa27d60140bd96365438aad20286"


class Project:
    """A project that grows: each release has all migrations of the ones before."""

    def __init__(self, directory):
        self.path = Path(directory) / "project"
        shutil.copytree(PROJECT, self.path)
        for name, content in FAILS.items():
            file = self.path / name.removeprefix("+")
            file.write_text(file.read_text() + content)
        self.last = "0001_initial"

    def change(self):
        """The next release has another source."""
        (self.path / "variant.txt").write_text(uuid.uuid4().hex)

    def add_migration(self, *statements):
        """The next release has a migration with these *statements* that writes a row. Return the text of the row."""
        name = f"{int(self.last[:4]) + 1:04}_{uuid.uuid4().hex[:8]}"
        operations = "".join(f"migrations.RunSQL({one!r}), " for one in statements)
        text = MIGRATION.format(name=name, before=self.last, operations=operations)
        (self.path / f"ledger/migrations/{name}.py").write_text(text)
        self.last = name
        return name


def deploy(host, project, hosts, check=False, **changes):
    """The play that deploys *project* to *hosts*, running; options of the app as keywords."""
    changes = {"source": {"directory": str(project.path)}, "processes": PROCESSES, **changes}
    return Play(DEPLOY, host, hosts=hosts, check=check, lab_app=APP, lab_changes=changes)


def served(web_hosts):
    """The release that each host serves."""
    return [one.check_output("readlink /srv/shop/current").rpartition("/")[2] for one in web_hosts.values()]


def beats(web_hosts):
    """Whether the process that runs on one host runs on each."""
    return [one.service("shop-beat").is_running for one in web_hosts.values()]


def seconds_between(web_hosts, old, new, unit=f"{APP}-beat"):
    """The seconds from the end of a unit on the host *old* until it began on *new*; negative if it ran twice."""
    stopped, started = (
        json.loads(web_hosts[name].check_output(f"journalctl -u {unit} -o json -n 1 MESSAGE_ID={message}"))
        for name, message in ((old, STOPPED), (new, STARTED))
    )
    return (int(started["__MONOTONIC_TIMESTAMP"]) - int(stopped["__MONOTONIC_TIMESTAMP"])) / 1e6


def deployed(host, project, web_hosts, **changes):
    played = deploy(host, project, list(web_hosts), **changes).finish()
    assert played.code == 0, played.output
    # The rest of the identifier is that of the host's Python.
    assert len({release.partition("-")[0] for release in served(web_hosts)}) == 1
    return played
