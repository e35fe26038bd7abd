"""make bench-serve: what does a request cost, and who is served beside thousands of slow clients?

Boots a throwaway host with one project behind several servers, measures them in turns, and writes the results. Needs to
run through lab/enter.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from benchmarks import lab
from benchmarks.serve import host, plot, project, report
from benchmarks.serve.host import HOST
from benchmarks.serve.samples import (
    DYNAMIC,
    FULL,
    REQUESTS,
    RESUMED,
    SCRIPT,
    SLOW,
    SMALL,
    UPLOAD,
    Cost,
    Crowd,
    Download,
    Results,
)
from benchmarks.serve.servers import CADDY, GUNICORN, OURS, RUNSERVER, SERVERS, TUNED, WHITENOISE, Server

HERE = Path(__file__).resolve().parent
PATHS = {SMALL: "/static/small.css", SCRIPT: "/static/script.js", DYNAMIC: "/"}
# Headers that a browser sends.
HEADERS = {SCRIPT: "Accept-Encoding: gzip"}
CROWDED = (OURS, TUNED, CADDY, WHITENOISE, RUNSERVER)
UPLOADS = 10
CROWD_FIGURES = ("requests", "failed", "held", "p50", "p99")


def play(playbook: str, *options: str) -> tuple[float, str]:
    return lab.play(HERE / "playbooks" / f"{playbook}.yml", HERE / "inventory.yml", *options)


def length(server: Server, case: str) -> int:
    """The length of the body that the server sends, which must be that of ours."""
    if digest(server, case) != digest(SERVERS[OURS], case):
        sys.exit(f"{server.title} sends another body than {OURS} for {PATHS[case]}")
    return int(curl(server, case, "--output", "/dev/null", "--write-out", "%{size_download}"))


def digest(server: Server, case: str) -> str:
    """The digest of the body without its compression."""
    HOST.run("rm", "-f", "/tmp/body")
    curl(server, case, "--compressed", "--output", "/tmp/body")
    return HOST.run("sha256sum", "/tmp/body")


def curl(server: Server, case: str, *options: str) -> str:
    sent = [f"Host: {server.name}", *([HEADERS[case]] if case in HEADERS else [])]
    headers = [word for header in sent for word in ("--header", header)]
    url = f"http://127.0.0.1:{server.port}{PATHS[case]}"
    return HOST.run("curl", "--silent", "--show-error", "--fail", *headers, *options, url)


def costs(seconds: int) -> list[Cost]:
    """Each server in turn: CPU per request and requests per second of each kind of request."""
    found = []
    for case in REQUESTS:
        for server in SERVERS.values():
            if case != DYNAMIC and not server.static:
                continue
            size = length(server, case)
            before = host.cpu_seconds(server)
            seen = host.wrk(server, PATHS[case], size, seconds, HEADERS.get(case, ""))
            found.append(cost(server, case, before, seen))
    for case in (FULL, RESUMED):
        for server in SERVERS.values():
            if server.tls:
                before = host.cpu_seconds(server)
                seen = host.client("handshakes", server.tls, "speedy.example.test", 100 * seconds, case.split()[-1])
                if case == RESUMED and seen["resumed"] < seen["requests"]:
                    sys.exit(f"{server.title} resumed {seen['resumed']} of {seen['requests']} sessions")
                found.append(cost(server, case, before, seen))
    for server in SERVERS.values():
        before = host.cpu_seconds(server)
        seen = host.client("transfer", server.port, server.name, "upload", UPLOADS)
        found.append(cost(server, UPLOAD, before, seen))
    return found


def cost(server: Server, case: str, before: float, seen: dict[str, Any]) -> Cost:
    """A server that is fast because it does not do its work would be no achievement."""
    if seen["wrong"] or seen.get("errors") or not seen["requests"]:
        sys.exit(f"{server.title}, {case}: {seen}")
    used = host.cpu_seconds(server) - before
    print(f"{case:<24} {server.title:<26} {1e6 * used / seen['requests']:9.1f} us of CPU a request", flush=True)
    return Cost(server.title, case, 1e6 * used / seen["requests"], seen["requests"] / seen["seconds"])


def crowds(counts: list[int], seconds: int) -> list[Crowd]:
    """A good client beside slow ones of three kinds; before that, alone."""
    found = []
    for kind, count in [("none", 0), *((kind, count) for kind in SLOW for count in counts)]:
        for title in CROWDED:
            server = SERVERS[title]
            options = [f"--port={server.port}", f"--seconds={seconds}", "--text=</table>"]
            seen = host.client("slow", server.name, kind, count, *options)
            found.append(Crowd(title, kind, count, **{name: seen[name] for name in CROWD_FIGURES}))
            print(f"{count:>5} slow {kind:<8} {title:<26} {seen}", flush=True)
            if title in (WHITENOISE, GUNICORN):
                HOST.run("systemctl", "restart", *server.units)
    return found


def download(work: Path) -> Download:
    """A download of 64 MB in 20 seconds, during which nginx reloads twice and a release is deployed."""
    seen: dict[str, object] = {}

    def read() -> None:
        seen.update(host.client("transfer", SERVERS[OURS].port, SERVERS[OURS].name, "download", 20))

    wanted = HOST.run("sha256sum", "/opt/bench/static/download.bin").split()[0]
    before = HOST.run("readlink", "/srv/speedy/current")
    reader = threading.Thread(target=read)
    reader.start()
    HOST.run("systemctl", "reload", "nginx.service")
    (work / "speedy" / "speedy" / "wsgi.py").open("a").write("# The next release.\n")
    play("deploy", "-e", f"bench_project={work / 'speedy'}")
    HOST.run("systemctl", "reload", "nginx.service")
    alive = reader.is_alive()
    reader.join()
    deployed = HOST.run("readlink", "/srv/speedy/current") != before
    return Download(bool(seen.get("sha256") == wanted), deployed and alive, float(str(seen.get("seconds", 0))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3, help="rounds (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement (default: %(default)s)")
    parser.add_argument("--slow", type=int, nargs="*", default=[300, 1000, 5000], help="slow clients")
    parser.add_argument("--keep", action="store_true", help="keep the host, and use one that was kept")
    parser.add_argument("--results", type=Path, default=lab.RESULTS, help="the directory to write to")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    try:
        with tempfile.TemporaryDirectory() as directory:
            work = Path(directory)
            made = project.make(work)
            if not (arguments.keep and host.is_running()):
                HOST.remove()
                print("Booting the host", flush=True)
                play("prepare", "-e", f"bench_project={made}")
            machine = lab.machine(HOST, load)
            found = [one for _round in range(arguments.repeat) for one in costs(arguments.seconds)]
            crowd = crowds(arguments.slow, 2 * arguments.seconds)
            results = Results(machine, found, crowd, download(work))
    finally:
        if not arguments.keep:
            HOST.remove()
    arguments.results.mkdir(parents=True, exist_ok=True)
    text = report.markdown(results)
    (arguments.results / "serve.md").write_text(text, encoding="utf-8")
    (arguments.results / "serve.svg").write_text(plot.svg(results), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
