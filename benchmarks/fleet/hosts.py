"""The throwaway fleet: a balancer, a host with the database, and as many web hosts as a measurement wants."""

from __future__ import annotations

import json
import os
import resource
from dataclasses import dataclass
from pathlib import Path

from benchmarks import lab

# Names of hosts are those of the whole machine: another run at the same time needs another prefix and network.
PREFIX = os.environ.get("BENCH_FLEET_PREFIX", "gatehouse-bench-fleet")
BALANCER, DATABASE = f"{PREFIX}-lb", f"{PREFIX}-db"
PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"
SITE = lab.ROOT / "playbooks" / "site.yml"
ROLLBACK = lab.ROOT / "playbooks" / "rollback.yml"
IMAGE = f"localhost/{PREFIX}"
# The third octet has to be free in podman's default network.
NETWORK = os.environ.get("BENCH_FLEET_NETWORK", "10.88.239")


def web(count: int) -> list[str]:
    """The names of the web hosts."""
    return [f"{PREFIX}-web{number}" for number in range(1, count + 1)]


def addresses(count: int) -> dict[str, str]:
    """Each host's address by its name."""
    names = [BALANCER, DATABASE, *web(count)]
    return {name: f"{NETWORK}.{number}" for number, name in enumerate(names, start=10)}


@dataclass(frozen=True)
class Played:
    """One ansible-playbook: its exit code, its output, and the seconds and CPU seconds of its processes."""

    code: int
    output: str
    seconds: float
    cpu: float


class Fleet:
    """The hosts of an inventory, which is written to a directory; *variables* are those of all hosts."""

    def __init__(self, work: Path, count: int, suite: str, variables: dict[str, object]) -> None:
        self.count, self.addresses, self.web = count, addresses(count), web(count)
        hosts = {name: {"gatehouse_address": address} for name, address in self.addresses.items()}
        groups = {"balancers": [BALANCER], "databases": [DATABASE], "web": self.web}
        common = {"ansible_connection": "containers.podman.podman", "ansible_user": "root", "lab_suite": suite}
        common["ansible_python_interpreter"] = "/usr/bin/python3"
        children = {group: {"hosts": {name: hosts[name] for name in names}} for group, names in groups.items()}
        self.inventory = work / f"fleet-{count}.json"
        self.inventory.write_text(json.dumps({"all": {"vars": common | variables, "children": children}}))

    def play(self, playbook: Path, *options: str, may_fail: bool = False, **variables: object) -> Played:
        """Run a playbook with extra variables."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        options = (*options, "--extra-vars", json.dumps(variables))
        environment = {"ANSIBLE_PODMAN_MOUNT_DETECTION": "false", "ANSIBLE_INTERNAL_POLL_INTERVAL": "0.02"}
        code, seconds, output = lab.run_play(playbook, self.inventory, *options, may_fail=may_fail, **environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Played(code, output, seconds, cpu)

    def boot(self) -> None:
        """Boot those hosts that do not run."""
        new = [name for name in self.addresses if not is_running(name)]
        if new:
            self.play(PLAYBOOKS / "prepare.yml", "--limit", ",".join(["localhost", *new]))

    def copy(self) -> None:
        """Boot the web hosts that do not run as copies of the first one."""
        places = {name: self.addresses[name] for name in self.web if not is_running(name)}
        if places:
            lab.Host(self.web[0]).commit(IMAGE)
            self.play(PLAYBOOKS / "copy.yml", bench_hosts=places, bench_image=IMAGE)

    def remove(self) -> None:
        for name in self.addresses:
            lab.Host(name).remove()


def is_running(name: str) -> bool:
    return lab.succeeds("podman", "container", "exists", name)


def cpu_seconds(name: str) -> float:
    """CPU seconds that the control group of a host has used since its boot."""
    lines = dict(line.split() for line in lab.Host(name).run("cat", "/sys/fs/cgroup/cpu.stat").splitlines())
    return int(lines["usage_usec"]) / 1e6
