"""A hostile dependency runs while it is built and whenever Python starts: what it can reach."""

import json
import re
import shlex

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import SANDBOX
from plays import copied, deploy

# What a source distribution runs at its build, and what a line of a .pth file runs at each start of Python.
PROBE = """
import json
import os
import socket

READ = [
    "/etc/shadow",
    "/root/.profile",
    "/srv/victim/current/env",
    "/srv/victim/current/project/tiny/settings.py",
    "/srv/victim/data/db.sqlite3",
    "/srv/evil/current/env",
    "/srv/evil/data/db.sqlite3",
]
WRITE = [
    "/etc/gatehouse-was-here",
    "/etc/cron.d/evil",
    "/opt/gatehouse/evil",
    "/root/evil",
    "/srv/evil/current/project/evil.py",
    "/srv/evil/data/evil",
    "/srv/evil/releases/evil",
    "/srv/evil/venvs/evil",
    "/srv/victim/cache/evil",
    "/srv/victim/current/project/evil.py",
    "/usr/local/bin/evil",
    "/var/lib/evil",
]
CONNECT = ["/srv/victim/current/web.sock", "/srv/evil/current/web.sock", "/run/systemd/private"]


def tried(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "done"


def reads(path):
    with open(path, "rb") as file:
        file.read(1)


def writes(path):
    with open(path, "ab") as file:
        file.write(b"evil")


def connects(path):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)


found = {f"{action.__name__} {path}": tried(lambda: action(path))
         for action, paths in ((reads, READ), (writes, WRITE), (connects, CONNECT)) for path in paths}
found["uid"] = os.getuid()
found["capabilities"] = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff"))
found["secrets"] = sorted(name for name in os.environ if "SECRET" in name)
if os.getuid() == 0:
    open("/root-ran-a-dependency", "a").write(str(found))
with open(os.path.join(os.environ.get("HOME", "/nonexistent"), "record"), "a") as record:
    record.write(json.dumps(found) + "\\n")
"""
SETUP = """
import setuptools
from setuptools.command.build_py import build_py


class Build(build_py):
    def run(self):
        super().run()
        self.copy_file("evil.pth", self.build_lib)


exec(compile(open("probe.py").read(), "probe.py", "exec"))
setuptools.setup(name="evil", version="1", py_modules=["evil_probe"], cmdclass={"build_py": Build})
"""
DEPENDENCY = {
    "evil/setup.py": SETUP,
    "evil/probe.py": PROBE,
    # A failure in it must not keep Python from starting: it runs as other users, too.
    "evil/evil_probe.py": f"try:\n    exec({PROBE!r})\nexcept OSError:\n    pass\n",
    "evil/evil.pth": "import evil_probe\n",
    "evil/pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n',
    "requirements.txt": "Django==5.2.19\n./evil\n",
}


@pytest.fixture(scope="module")
def records(host, tmp_path_factory):
    """What each run of the dependency's code noted, once the app was deployed with it."""
    host.check_output("rm -f /srv/evil/cache/record")
    played = deploy(host, "evil", copied(tmp_path_factory.mktemp("evil") / "project", DEPENDENCY))
    assert played.code == 0, played.output
    return [json.loads(line) for line in host.check_output("cat /srv/evil/cache/record").splitlines()]


def test_the_hostile_code_ran(records):
    # The build, the import of Django, the compilation.
    assert len(records) >= 3


def test_the_hostile_code_never_ran_as_root(host, records):
    assert {record["uid"] for record in records} == {int(host.check_output("id -u evil-build"))}
    assert not host.file("/root-ran-a-dependency").exists


def test_the_hostile_code_reached_nothing(records):
    reached = {what for record in records for what, came_of_it in record.items() if came_of_it == "done"}
    assert reached == set()


def test_the_hostile_code_had_no_capabilities_and_no_secrets(records):
    assert {(record["capabilities"], *record["secrets"]) for record in records} == {("0000000000000000",)}


def test_the_release_belongs_to_root(host, records):
    release = host.check_output("readlink -f /srv/evil/current")
    # Sockets are systemd's, with nginx's group.
    assert host.check_output("find %s/ ! -user root -o -perm /6022 ! -type l ! -type s", release) == ""


def test_systemd_rates_the_sandbox_of_builds_as_safe(host):
    """As systemd scores it, from 0 (locked) to 10; a unit without a sandbox has 9 and more."""
    properties = [*SANDBOX, "User=evil-build", "Group=evil-build", "InaccessiblePaths=-/srv/evil/data"]
    start = ["systemd-run", "--quiet", "--collect", "--unit=looked-at", *(f"--property={one}" for one in properties)]
    host.check_output(shlex.join([*start, "sleep", "60"]))
    try:
        said = host.check_output("systemd-analyze security --no-pager looked-at")
    finally:
        host.check_output("systemctl stop looked-at")
    assert float(re.search(r"exposure level for looked-at.service: ([\d.]+)", said)[1]) <= 1.5
