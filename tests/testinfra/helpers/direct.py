"""The real module in a real process of the host, without an `ansible` command around each run: 0.2 s instead of 2.5.

The controller's half is the collection's own action plugin; the host's half is helpers/on_host/serve.py, to which
this talks through one `podman exec` for the whole session.
"""

import io
import json
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import ansible.module_utils
import ansible.release
from ansible.errors import AnsibleActionFail
from ansible_collections.gatehouse.django.plugins.action.nginx_config import ActionModule

from .play import REPOSITORY

HOME = "/opt/gatehouse-driver"
# What Ansible adds to a module's options.
ANSIBLE = {"_ansible_diff": True, "_ansible_remote_tmp": "~/.ansible/tmp"}
COLLECTION = "ansible_collections/gatehouse/django"


class Action(ActionModule):
    """The action plugin, with a connection of our own below it."""

    def __init__(self, args, execute):
        task = SimpleNamespace(args=args, async_val=0, check_mode=False, action="nginx_config")
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="unused"))
        super().__init__(task, connection, None, None, None)
        self._execute = execute

    def _find_needle(self, dirname, needle):
        return needle

    def _execute_module(self, module_name="nginx_config", module_args=None, task_vars=None, **_options):
        return self._execute(module_name.rpartition(".")[2], module_args)


class Asked(Exception):
    """Ends the controller's half where the host's run of nginx_config would begin."""


class Driver:
    """A host's serve.py; *wrapper* is a command that starts it, with less rights for example."""

    def __init__(self, name, wrapper=()):
        command = ["podman", "exec", "--interactive", name, *wrapper, "python3", f"{HOME}/serve.py"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what, *args):
        self.process.stdin.write(json.dumps([what, args]) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "problem" not in answer, answer["problem"]
        return answer["answer"]

    def shell(self, command):
        """The output of *command*, which must succeed."""
        done = self.ask("shell", command)
        assert done["rc"] == 0, f"{command}: {done['out']}{done['err']}"
        return done["out"].rstrip("\n")

    def info(self, **options):
        return self._answer(self.ask("run", [{"module": "nginx_info", "args": options}])[0])

    def doctor(self, **options):
        """What django_doctor answers, whether it succeeds or fails; ``events`` are the changes that it has made."""
        outcome = self.ask("run", [{"module": "django_doctor", "args": options}])[0]
        return self._answer(outcome) | {"events": outcome["events"]}

    def publish(self, *sites, check=False, patch=None, **options):
        """What nginx_config answers, whether it succeeds or fails."""
        prepared = self.prepare(*sites, check=check, patch=patch, **options)
        return prepared if "failed" in prepared else self._answer(self.ask("run", [prepared])[0])

    def prepare(self, *sites, check=False, patch=None, kill_at=None, kill_after=None, **options):
        """The run that the action plugin makes of the options, or its refusal."""
        run = {"patch": patch, "kill_at": kill_at, "kill_after": kill_after}
        args = options | ({"sites": list(sites)} if sites else {})

        def execute(module, args):
            if args.get("rendered") is None and args.get("generation") is None:
                return self._answer(self.ask("run", [{"module": module, "args": args}])[0])
            run.update(module=module, args=args | {"_ansible_check_mode": check, **ANSIBLE})
            raise Asked

        try:
            return Action(args, execute).run()
        except Asked:
            return run
        except AnsibleActionFail as refusal:
            return {"failed": True, "msg": str(refusal)}

    def publish_all(self, prepared):
        """What nginx_config answers to runs that are all started at once."""
        return [self._answer(outcome) for outcome in self.ask("run", prepared)]

    def die(self, *sites, **options):
        """The outcome of a run that is killed."""
        return self.ask("run", [self.prepare(*sites, **options)])[0]

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    @staticmethod
    def _answer(outcome):
        assert outcome["out"].lstrip().startswith("{"), outcome["out"] + outcome["err"]
        answer = json.loads(outcome["out"])
        said = answer.get("warnings", [])
        warnings = [warning if isinstance(warning, str) else warning["event"]["msg"] for warning in said]
        return {"failed": False} | answer | {"warnings": warnings, "seconds": outcome["seconds"]}


@cache
def driver(name, wrapper=()):
    """The driver of the host *name*, started once for the session."""
    install(name)
    return Driver(name, wrapper)


@cache
def install(name):
    """Copy the collection's plugins, ansible's module_utils and on_host to the host."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for source, target in (
            (Path(ansible.module_utils.__file__).parent, "ansible/module_utils"),
            (Path(ansible.release.__file__), "ansible/release.py"),
            (REPOSITORY / "plugins", f"{COLLECTION}/plugins"),
            (Path(__file__).parent / "on_host", "."),
        ):
            archive.add(source, target, filter=lambda entry: None if "__pycache__" in entry.name else entry)
        archive.addfile(tarfile.TarInfo("ansible/__init__.py"))
    unpack = f"rm -rf {HOME} && mkdir {HOME} && tar -x -C {HOME} && python3 -m compileall -q {HOME}"
    command = ["podman", "exec", "--interactive", name, "sh", "-c", unpack]
    subprocess.run(command, input=packed.getvalue(), check=True)
