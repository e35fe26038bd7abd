"""make bench-deploy: how long does a deploy take, with Gatehouse and the plain way, and what do visitors see of it?

Boots a throwaway host, deploys the same project in both ways in turns, and writes the results. Needs to run through
lab/enter.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

from benchmarks import lab
from benchmarks.deploy import host, project, report
from benchmarks.deploy.host import HOST
from benchmarks.deploy.report import BACK, CODE, DEPENDENCY, FIRST, FLOOR, OURS, PLAIN, SAME, STEPS, Sample
from benchmarks.deploy.visitor import Visitor

HERE = Path(__file__).resolve().parent
STATES = {
    FIRST: project.FIRST,
    SAME: project.FIRST,
    CODE: project.CODE,
    DEPENDENCY: project.DEPENDENCY,
    BACK: project.CODE,
}
# The playbook, which is also the name of its app.
PLAYBOOKS = {OURS: "gatehouse", PLAIN: "plain"}


def play(playbook: str, *options: str) -> tuple[float, str]:
    return lab.play(HERE / "playbooks" / f"{playbook}.yml", HERE / "inventory.yml", *options)


def measure(contender: str, address: str) -> list[Sample]:
    """The steps in their order, on a host that has neither of the apps."""
    play("gatehouse", "-e", "bench_state=absent", "-e", "confirm=gatehouse")
    host.forget()
    app = PLAYBOOKS[contender]
    samples = []
    for step in STEPS:
        host.point(STATES[step])
        visitor = Visitor(address, f"{app}.example.test")
        before = process(contender) if step == SAME else ""
        with visitor:
            seconds, text = play("rollback" if (contender, step) == (OURS, BACK) else app)
        check(f"{contender}, {step}", visitor, STATES[step])
        if step == SAME and contender == OURS:
            check_untouched(text, before)
        seen = {"live": visitor.live}
        if step != FIRST:
            seen |= {"asked": visitor.asked, "failed": visitor.failed, "longest": visitor.longest}
        samples.append(Sample(contender, step, seconds, **seen, phases=phases(text)))
        print(f"{contender:<30} {step:<18} {seconds:7.2f} s, {visitor.failed} of {visitor.asked} failed", flush=True)
    return samples


def process(contender: str) -> str:
    """What a restart changes."""
    release = HOST.run("readlink", "/srv/gatehouse/current").rpartition("/")[2] if contender == OURS else ""
    return host.main_process(f"gatehouse-web@{release}.service" if release else "plain.service")


def check(what: str, visitor: Visitor, state: str) -> None:
    """A deploy that is fast because it does not do its work would be no achievement."""
    served = visitor.state()
    if served != state:
        sys.exit(f"{what}: '{served}' is served, not '{state}'")


def check_untouched(text: str, before: str) -> None:
    if not re.search(r"changed=0 +unreachable=0 +failed=0", text) or process(OURS) != before:
        sys.exit(f"A run without a change has changed something:\n{text[-1000:]}")


def phases(text: str) -> dict[str, float]:
    """What our role says of the phases: `Seconds: source 0.1, dependencies 1.4`."""
    said = re.search(r"Seconds: ([^\"\n]+)", text)
    pairs = (pair.split() for pair in said[1].split(", ")) if said else ()
    return {name: float(seconds) for name, seconds in pairs}


def rounds(repeat: int, address: str) -> list[Sample]:
    """Both in turns, so that a machine that gets slower does so for both."""
    samples = []
    for _round in range(repeat):
        floor, _text = play("empty")
        samples += [Sample(FLOOR, step, floor) for step in STEPS]
        for contender in PLAYBOOKS:
            samples += measure(contender, address)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="rounds (default: %(default)s)")
    parser.add_argument("--results", type=Path, default=lab.RESULTS, help="the directory to write to")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    HOST.remove()
    try:
        with tempfile.TemporaryDirectory() as work:
            print("Booting the host", flush=True)
            play("prepare")
            host.install(project.make(Path(work)))
        machine = lab.machine(HOST, load)
        samples = rounds(arguments.repeat, host.address())
    finally:
        HOST.remove()
    arguments.results.mkdir(parents=True, exist_ok=True)
    text = report.markdown(machine, samples)
    (arguments.results / "deploy.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
