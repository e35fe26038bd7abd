"""make bench-fleet: what do visitors notice of a deployment to a fleet, and how long does it take with more hosts?

Boots throwaway hosts and writes the results. Needs to run through lab/enter.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks import lab
from benchmarks.fleet import deployments, growth, plot, report
from benchmarks.fleet.hosts import BALANCER, Fleet

LOAD, TIME = PARTS = ("load", "time")


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=PARTS, help="load, time (default: both)")
    parser.add_argument("--load-hosts", type=numbers, default=[2, 4], metavar="N,N")
    parser.add_argument("--time-hosts", type=numbers, default=[2, 4, 8, 16], metavar="N,N")
    parser.add_argument("--steps", nargs="*", default=deployments.STEPS, choices=deployments.STEPS)
    parser.add_argument("--suite", default="trixie", help="Debian's release of the hosts (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the hosts")
    parser.add_argument("--results", type=Path, default=lab.RESULTS, help="the directory to write to")
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    file = options.results / "fleet.md"
    try:
        if LOAD in options.parts:
            before, outcomes = os.getloadavg()[0], []
            for count in options.load_hosts:
                for one in deployments.measure(count, options.suite, tuple(options.steps)):
                    outcomes.append(one)
                    print(" | ".join(deployments.row(one)), *one.load.torn, *one.missing, flush=True)
            report.write(file, [report.load(machine(before), outcomes)])
        if TIME in options.parts:
            before, samples = os.getloadavg()[0], []
            for one in growth.measure(options.time_hosts, options.suite):
                samples.append(one)
                print(one.step, *growth.row(one), sep=" | ", flush=True)
                # After each play: the last ones take long.
                report.write(file, [report.time(machine(before), samples)])
                (options.results / "fleet.svg").write_text(plot.svg(machine(before), samples), encoding="utf-8")
    finally:
        if not options.keep:
            remove(max(options.load_hosts + options.time_hosts), options.suite)


def machine(load: float) -> dict[str, str]:
    return lab.machine(lab.Host(BALANCER), load)


def remove(count: int, suite: str) -> None:
    with tempfile.TemporaryDirectory() as work:
        Fleet(Path(work), count, suite, {}).remove()


if __name__ == "__main__":
    main()
