"""make bench-apps: how long does the playbook `site` take with many apps on one host, and what do they need?

Boots a throwaway host and deploys the apps with their sites, in one run for each number of apps. Then it runs the same
again, where nothing may change, once for one of the apps, and the playbook `doctor`, which may find nothing wrong.
Needs to run through lab/enter.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import lab
from benchmarks.apps import report

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1] / "tests" / "projects" / "tiny"
HOST = lab.Host("gatehouse-bench-apps")
KEY = "a-key-for-throwaway-hosts-that-is-long-enough-for-the-deployment-check"
NO_CHANGE = re.compile(r"changed=0 +unreachable=0 +failed=0")


@dataclass(frozen=True)
class Used:
    """CPU time since the boot of the host, and since the start of this process, in seconds."""

    host: float
    controller: float


def inventory(work: Path, count: int, sites: int) -> Path:
    """The inventory of a host with *count* apps: app001, app002 and so on, each with so many *sites*."""
    names = [f"app{number:03d}" for number in range(1, count + 1)]
    connection = {
        "ansible_connection": "containers.podman.podman",
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        "lab_suite": "trixie",
    }
    found = {
        "django_apps": [app(name, sites) for name in names],
        "django_sites": [
            {"name": f"{name}-{number}", "app": name, "server_name": [site(name, number)]}
            for name in names
            for number in range(sites)
        ],
    }
    # JSON is YAML.
    path = work / f"{count}.yml"
    path.write_text(json.dumps({"all": {"hosts": {HOST.name: connection | found}}}), encoding="utf-8")
    return path


def app(name: str, sites: int) -> dict[str, object]:
    return {
        "name": name,
        "source": {"directory": str(PROJECT)},
        "settings_module": "tiny.settings",
        "workers": 1,
        "environment": {"ALLOWED_HOSTS": ",".join(site(name, number) for number in range(sites))},
        "secrets": {"DJANGO_SECRET_KEY": KEY},
    }


def site(name: str, number: int = 0) -> str:
    return f"www{number}.{name}.example.test"


def used() -> Used:
    host = HOST.run("sh", "-c", "sed -n 's/^usage_usec //p' /sys/fs/cgroup/cpu.stat")
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Used(int(host) / 1e6, children.ru_utime + children.ru_stime)


def measure(step: str, count: int, sites: int, path: Path, *options: str) -> report.Sample:
    playbook = "doctor" if step == report.DOCTOR else "site"
    before, started = used(), time.perf_counter()
    _seconds, text = lab.play(Path(f"playbooks/{playbook}.yml"), path, *options)
    seconds, after = time.perf_counter() - started, used()
    if step != report.FIRST and not NO_CHANGE.search(text):
        sys.exit(f"A run without a change has changed something:\n{text[-2000:]}")
    host, controller = after.host - before.host, after.controller - before.controller
    sample = report.Sample(step, count, count * sites, seconds, host, controller)
    what = f"{count:4} apps, {sample.sites:4} sites, {step:<10}"
    print(f"{what} {seconds:8.1f} s, CPU: {host:7.1f} s on the host", flush=True)
    return sample


def check(count: int) -> None:
    """Each app answers."""
    for number in range(1, count + 1):
        name = site(f"app{number:03d}")
        text = HOST.run("curl", "--silent", "--max-time", "60", "--header", f"Host: {name}", "http://127.0.0.1/")
        if text != "tiny":
            sys.exit(f"{name} answers: {text[:500]}")


def memory() -> dict[str, float]:
    """The proportional set size in MB of all processes of a name, and how many there are."""
    script = r"""
for directory in /proc/[0-9]*; do
    name=$(cat $directory/comm 2>/dev/null) || continue
    kb=$(sed -n 's/^Pss: *\([0-9]*\) kB/\1/p' $directory/smaps_rollup 2>/dev/null)
    echo "${kb:-0} $name"
done"""
    sizes: dict[str, float] = {}
    for line in HOST.run("sh", "-c", script).splitlines():
        size, name = line.split(" ", 1)
        kind = "gunicorn" if name.startswith("gunicorn") else name
        sizes[kind] = sizes.get(kind, 0) + int(size) / 1000
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--apps", default="2,200", help="the numbers of apps, ascending (default: %(default)s)")
    parser.add_argument("--sites", type=int, default=1, help="the number of sites of each app (default: %(default)s)")
    parser.add_argument("--results", type=Path, default=lab.RESULTS, help="the directory to write to")
    arguments = parser.parse_args()
    load, sites = os.getloadavg()[0], arguments.sites
    HOST.remove()
    samples, sizes = [], {}
    try:
        with tempfile.TemporaryDirectory() as work:
            paths = {count: inventory(Path(work), count, sites) for count in map(int, arguments.apps.split(","))}
            lab.play(HERE / "playbooks" / "prepare.yml", next(iter(paths.values())))
            machine = lab.machine(HOST, load)
            for count, path in paths.items():
                samples.append(measure(report.FIRST, count, sites, path))
                check(count)
                samples.append(measure(report.SAME, count, sites, path))
                samples.append(measure(report.ONE, count, sites, path, "-e", "app=app001"))
                samples.append(measure(report.DOCTOR, count, sites, path))
                sizes[count] = memory()
    finally:
        HOST.remove()
    arguments.results.mkdir(parents=True, exist_ok=True)
    text = report.markdown(machine, samples, sizes)
    (arguments.results / "apps.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
