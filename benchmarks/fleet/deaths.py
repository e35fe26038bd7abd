"""What visitors notice when a web host of the scenario `fleet` dies: python -m benchmarks.fleet.deaths [KIND ...]

Run it in lab/enter after `molecule converge -s fleet`. Each kind of death happens once under load: GETs, and forms that
write a row. A request fails if its answer is not the right one, or takes longer than PATIENCE.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import uuid4

NAME = "guestbook.example.test"
PATIENCE = 10  # seconds
LOAD = {"GET": 8, "POST": 4}
DEAD = 30  # seconds
RETURN = 60  # seconds
CONF = "/etc/nginx/gatehouse/live/sites/guestbook.conf"
ROWS = "from entries.models import Entry; print('\\n'.join(Entry.objects.values_list('name', flat=True)))"
UNIT = "$(systemctl list-units --plain --no-legend 'guestbook-web@*.service' | cut -d' ' -f1)"
# The directories that nginx and the app write to, each on a file system of 64 KiB that is full.
WRITTEN = "/var/log/nginx /var/lib/nginx/body /var/lib/nginx/proxy /tmp /srv/guestbook/data"
FILL = "mount -t tmpfs -o size=64k,mode=1777 full $one; dd if=/dev/zero of=$one/full bs=1k count=64"
SOCKET = "$(systemctl list-units --plain --no-legend 'guestbook-web@*.socket' | cut -d' ' -f1)"


@dataclass(frozen=True)
class Death:
    """Commands for the host itself, or for podman."""

    end: str
    back: str
    outside: bool = False


DEATHS = {
    "nginx stopped": Death("systemctl stop nginx", "systemctl start nginx"),
    "nginx killed": Death(
        "systemctl mask --runtime nginx; pkill -9 nginx", "systemctl unmask --runtime nginx; systemctl start nginx"
    ),
    "gunicorn stopped": Death(
        f"echo {SOCKET} {UNIT} >/run/stopped; systemctl stop $(cat /run/stopped)", "systemctl start $(cat /run/stopped)"
    ),
    "gunicorn frozen": Death(f"systemctl kill -s STOP {UNIT}", f"systemctl kill -s CONT {UNIT}"),
    "disk full": Death(
        f"for one in {WRITTEN}; do {FILL}; done 2>/dev/null; systemctl reload nginx",
        f"umount --lazy {WRITTEN}; systemctl reload nginx",
    ),
    "host frozen": Death("podman pause {host}", "podman unpause {host}", True),
    "network dropped": Death("ip route add blackhole {balancer}", "ip route del blackhole {balancer}"),
    "power off": Death("podman kill {host}", "podman start {host}", True),
}


@dataclass(frozen=True)
class Result:
    kind: str
    begin: float
    end: float
    problem: str
    node: str = ""


def ask(address: str, method: str, path: str, body: str | None = None, **headers: str) -> http.client.HTTPResponse:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(NAME, timeout=PATIENCE, context=context)
    plain = socket.create_connection((address, 443), timeout=PATIENCE)
    connection.sock = context.wrap_socket(plain, server_hostname=NAME)
    connection.request(method, path, body, {"Host": NAME, "Connection": "close", **headers})
    return connection.getresponse()


class Load:
    """Visitors, each of whom makes one request after the other."""

    def __init__(self, address: str) -> None:
        self.address, self.results, self.names, self.stop = address, [], [], threading.Event()
        page = ask(address, "GET", "/")
        self.cookie = (page.headers["Set-Cookie"] or "").partition(";")[0]
        self.token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())[1]
        kinds = [kind for kind, count in LOAD.items() for _number in range(count)]
        self.threads = [threading.Thread(target=self.visit, args=(kind,), daemon=True) for kind in kinds]
        for thread in self.threads:
            thread.start()

    def visit(self, kind: str) -> None:
        while not self.stop.is_set():
            begin, name, node = time.monotonic(), uuid4().hex, ""
            try:
                if kind == "GET":
                    answer = ask(self.address, "GET", "/whoami")
                    status, good = answer.status, 200
                    node = json.load(answer)["node"] if status == good else ""
                else:
                    fields = {"name": name, "message": "m", "csrfmiddlewaretoken": self.token}
                    form = {
                        "Content-Type": "application/x-www-form-urlencoded",
                        "Cookie": self.cookie,
                        "Origin": f"https://{NAME}",
                    }
                    status, good = ask(self.address, "POST", "/", urlencode(fields), **form).status, 302
                    self.names.append((name, status))
                problem = "" if status == good else str(status)
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem = type(error).__name__
                self.names.append((name, 0))
            self.results.append(Result(kind, begin, time.monotonic(), problem, node))
            self.stop.wait(0.05)

    def returned(self, host: str, moment: float) -> float:
        """Seconds from a moment until the host answers again, RETURN if it has not until then."""
        while time.monotonic() < moment + RETURN:
            found = [one.end for one in list(self.results) if one.node == host and one.begin > moment]
            if found:
                return min(found) - moment
            time.sleep(0.2)
        return RETURN

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(PATIENCE + 5)


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="*", default=list(DEATHS))
    parser.add_argument("--prefix", default="gatehouse-fleet")
    parser.add_argument("--sed", help="change the balancer's configuration before")
    parser.add_argument("--dead", type=float, default=DEAD)
    options = parser.parse_args()
    balancer, host = f"{options.prefix}-lb", f"{options.prefix}-web1"
    address = run("podman", "exec", balancer, "hostname", "-I").split()[0]
    if options.sed:
        change = f"cp {CONF} /run/kept.conf; sed -E -i '{options.sed}' {CONF}; nginx -t && systemctl reload nginx"
        run("podman", "exec", balancer, "sh", "-c", change)
    try:
        for kind in options.kinds:
            print(measure(kind, address, balancer, host, options.dead), flush=True)
            time.sleep(12)
    finally:
        if options.sed:
            run("podman", "exec", balancer, "sh", "-c", f"cat /run/kept.conf > {CONF}; systemctl reload nginx")


def measure(kind: str, address: str, balancer: str, host: str, dead: float) -> str:
    death = DEATHS[kind]

    def do(command: str) -> None:
        command = command.format(host=host, balancer=address)
        run(*(("sh", "-c", command) if death.outside else ("podman", "exec", host, "sh", "-c", command)))

    load = Load(address)
    time.sleep(3)
    died = time.monotonic()
    do(death.end)
    time.sleep(dead)
    until = time.monotonic()
    do(death.back)
    back = load.returned(host, time.monotonic())
    load.end()
    line = summary(kind, load, died, until, host.replace("web1", "web2"))
    return f"{line}; asked again after {back:.1f} s"


def summary(kind: str, load: Load, died: float, until: float, web_host: str) -> str:
    """A line about a load that has ended; *web_host* says which rows were written."""
    manage = ("podman", "exec", web_host, "/srv/guestbook/manage", "shell", "-v", "0", "-c", ROWS)
    rows = Counter(run(*manage).split())
    twice = [name for name, _status in load.names if rows[name] > 1]
    lost = [name for name, status in load.names if status == 302 and not rows[name]]
    lines = []
    for method in LOAD:
        all_ = [one for one in load.results if one.kind == method and one.end > died and one.begin < until]
        failed = [one for one in all_ if one.problem]
        last = max((one.end for one in failed), default=died) - died
        begun = max((one.begin for one in failed), default=died) - died
        slow = max(one.end - one.begin for one in all_)
        causes = ", ".join(f"{count} {cause}" for cause, count in Counter(one.problem for one in failed).items())
        lines.append(
            f"{method} {len(failed)}/{len(all_)} failed ({causes}), "
            f"last begun {begun:.1f} s, ended {last:.1f} s, slowest {slow:.1f} s"
        )
    return f"{kind}: {'; '.join(lines)}; twice {len(twice)}, lost {len(lost)}"


if __name__ == "__main__":
    main()
