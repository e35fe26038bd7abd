"""make bench-converge: how long does it take to publish N sites, with Gatehouse and with what else there is?

Boots a throwaway host, lets all contenders publish the same sites on it in turns, and writes the results. Needs to run
through lab/enter.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import yaml

from benchmarks.converge import host, plot, report
from benchmarks.converge.contenders import FLOOR, OURS, STEPS, Contender, Sample, contenders, server_name, sites
from benchmarks.converge.host import HOST
from benchmarks.lab import RESULTS, machine, play

HERE = Path(__file__).resolve().parent
HOSTS, PLAYBOOKS = HERE / "inventory.yml", HERE / "playbooks"
# Seconds. What takes longer is measured once, not in every round.
PATIENCE = 20.0


def inventory(contender: Contender, count: int, step: str, work: Path) -> Path:
    """The host with the contender's variables, as an operator has them: written once, in *work*."""
    changed = step == STEPS[2]
    directory = work / f"{contender.variables.__name__}-{count}{'-changed' if changed else ''}"
    if not directory.exists():
        variables = directory / "group_vars" / "all.yml"
        variables.parent.mkdir(parents=True)
        variables.write_text(yaml.safe_dump(contender.variables(sites(count, changed)), sort_keys=False))
        shutil.copy(HOSTS, directory)
    return directory


def measure(contender: Contender, count: int, work: Path) -> list[Sample]:
    """The steps in their order, on a host that has no site yet."""
    samples = []
    HOST.run(f"{host.NOTES}/reset")
    for step in STEPS:
        hosts = inventory(contender, count, step, work)
        host.forget()
        role = ["-e", f"bench_role={contender.role}"] if contender.role else []
        seconds, text = play(PLAYBOOKS / f"{contender.playbook}.yml", hosts, *role)
        tests, reloads = host.nginx_starts()
        if contender.title != FLOOR:
            check(f"{contender.title}, {count} sites, {step}", count, step, text)
        samples.append(Sample(contender.title, count, step, round(seconds, 3), tests, reloads))
        print(f"{contender.title:<30} {count:>5} {report.noun(count):<5} {step:<16} {seconds:7.2f} s", flush=True)
    return samples


def check(what: str, count: int, step: str, text: str) -> None:
    """A run that is fast because it does not do its work would be no achievement."""
    wanted = "new" if step == STEPS[2] else "old"
    served = host.get(server_name(count), "/static/version", wanted)
    if served != wanted:
        sys.exit(f"{what}: nginx serves the {served!r} version of the last site, not the {wanted!r} one")
    recap = re.search(r"changed=(\d+) +unreachable=0 +failed=0", text)
    if not recap or (recap[1] == "0") != (step == STEPS[1]):
        sys.exit(f"{what}: the play's recap is not what it should be:\n{text[-1000:]}")


def profile(contender: Contender, count: int, work: Path) -> list[dict]:
    """Where the time of our task goes and what memory its modules need, in runs that are not compared."""
    HOST.run(f"{host.NOTES}/reset")
    found = []
    for step in STEPS:
        hosts = inventory(contender, count, step, work)
        host.forget()
        python = f"ansible_python_interpreter={host.NOTES}/python"
        callback = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks"}
        _seconds, text = play(PLAYBOOKS / f"{contender.playbook}.yml", hosts, "-e", python, **callback)
        task = re.search(r"Publish all sites -+ ([0-9.]+)s", text)
        found.append({"step": step, "task": float(task[1]), "modules": host.modules()})
    return found


def rounds(known: list[Contender], counts: list[int], repeat: int, work: Path) -> list[Sample]:
    """All contenders in turns, as often as asked for, so that a machine that gets slower does so for all."""
    samples: list[Sample] = []
    slow = set()
    for _round in range(repeat):
        for count in counts:
            for contender in known:
                if contender.role == "" or count > contender.largest or (contender, count) in slow:
                    continue
                taken = measure(contender, count, work)
                samples += taken
                if max(sample.seconds for sample in taken) > PATIENCE:
                    slow.add((contender, count))
    return samples


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sites", default="1,10,100,1000", help="the numbers of sites (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="rounds (default: %(default)s)")
    parser.add_argument("--full", action="store_true", help="more than 100 sites for the slow contenders, too")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the directory to write to")
    arguments = parser.parse_args()
    arguments.sites = sorted(int(count) for count in arguments.sites.split(","))
    return arguments


def main() -> None:
    arguments = parse()
    known = contenders(arguments.full)
    ours = next(contender for contender in known if contender.title == OURS)
    load = os.getloadavg()[0]
    HOST.remove()
    try:
        print("Booting the host", flush=True)
        play(PLAYBOOKS / "prepare.yml", HOSTS)
        about = machine(HOST, load)
        with tempfile.TemporaryDirectory() as work:
            samples = rounds(known, arguments.sites, arguments.repeat, Path(work))
            profiled = profile(ours, max(arguments.sites), Path(work))
    finally:
        HOST.remove()
    arguments.results.mkdir(parents=True, exist_ok=True)
    text = report.markdown(about, known, arguments.sites, samples, profiled)
    (arguments.results / "converge.md").write_text(text, encoding="utf-8")
    (arguments.results / "converge.svg").write_text(plot.svg(about, known, samples), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
