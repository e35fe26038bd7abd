"""What visitors notice when a shared address moves: python -m benchmarks.fleet.addresses --address ADDRESS [KIND ...]

Run it in lab/enter. The inventory of the scenario `fleet` needs a second balancer, gatehouse-fleet-lb2, and
`keepalived_addresses` for both. Each kind happens once, to the balancer that has the address, under the load of
benchmarks.fleet.deaths.
"""

from __future__ import annotations

import argparse
import subprocess
import time

from benchmarks.fleet.deaths import Death, Load, run, summary

MOVES = {
    "keepalived stopped": Death("systemctl stop keepalived", "systemctl start keepalived"),
    "nginx stopped": Death("systemctl stop nginx", "systemctl start nginx"),
    "nginx frozen": Death("systemctl kill -s STOP nginx", "systemctl kill -s CONT nginx"),
    "host shut down": Death("systemctl poweroff", "podman start {host}"),
    "power off": Death("podman kill {host}", "podman start {host}", True),
    "host frozen": Death("podman pause {host}", "podman unpause {host}", True),
    "nginx reloaded": Death("systemctl reload nginx", "true"),
    "nginx restarted": Death("systemctl restart nginx", "true"),
}
ON_MACHINE = ("power off", "host frozen", "host shut down")
LASTS = 15  # seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="*", default=list(MOVES))
    parser.add_argument("--prefix", default="gatehouse-fleet")
    parser.add_argument("--address", required=True)
    options = parser.parse_args()
    hosts = [f"{options.prefix}-lb", f"{options.prefix}-lb2"]
    for kind in options.kinds or MOVES:
        print(measure(kind, options.address, hosts, f"{options.prefix}-web2"), flush=True)


def holder(address: str, hosts: list[str]) -> str:
    """The balancer that has the address; wait for one."""
    for _attempt in range(60):
        found = [host for host in hosts if address in output("podman", "exec", host, "ip", "-br", "address")]
        if len(found) == 1:
            return found[0]
        time.sleep(0.5)
    raise SystemExit(f"{found} have {address}")


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def measure(kind: str, address: str, hosts: list[str], web_host: str) -> str:
    move, host = MOVES[kind], holder(address, hosts)

    def do(command: str, outside: bool) -> None:
        command = command.format(host=host)
        run(*(("sh", "-c", command) if outside else ("podman", "exec", host, "sh", "-c", command)))

    load = Load(address)
    time.sleep(3)
    began = time.monotonic()
    do(move.end, move.outside)
    time.sleep(LASTS)
    until = time.monotonic()
    load.end()
    line = summary(f"{kind} ({host} -> {holder_now(address, hosts)})", load, began, until, web_host)
    do(move.back, kind in ON_MACHINE)
    # Both balancers are ready again.
    time.sleep(15)
    return f"{line}; then {holder(address, hosts)}"


def holder_now(address: str, hosts: list[str]) -> str:
    return ", ".join(host for host in hosts if address in output("podman", "exec", host, "ip", "-br", "address"))


if __name__ == "__main__":
    main()
