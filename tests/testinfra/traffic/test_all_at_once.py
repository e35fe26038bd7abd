"""Thousands of slow clients, reloads, a deployment and dying worker processes at once: other clients notice nothing."""

import time
from contextlib import ExitStack

from helpers.hosts import eventually, release_of
from helpers.load import load, lost
from helpers.long import LONG
from helpers.steady import main_pid, site_of, start_deploy

NAME = site_of("steady")
CROWD = {"headers": 3000, "bodies": 1500, "readers": 500} if LONG else {"headers": 2000, "bodies": 800, "readers": 200}
# A server may lose what a worker process was changing when it was killed; it must not do it twice.
CHANGING = "write"


def test_no_good_request_fails(host, address, variant, slow_clients):
    before = release_of(host, "steady")
    with ExitStack() as stack:
        crowds = {kind: stack.enter_context(slow_clients(kind, count)) for kind, count in CROWD.items()}
        seen = stack.enter_context(load(address, NAME, tls=True))
        eventually(seen.is_load, 180)
        deploying = start_deploy(host, variant())
        host.check_output("systemctl reload nginx")
        kills = [kill_worker(host, seen)]
        played = deploying.finish()
        assert played.code == 0, played.output
        host.check_output("systemctl reload nginx")
        kills.append(kill_worker(host, seen))
        switched = time.monotonic()
        eventually(lambda: seen.is_load_since(switched), 180)
    print(crowds)
    assert {kind: held["at first"] for kind, held in crowds.items()} == CROWD
    # nginx ends a slow header after its time limit, and the client comes again a moment later.
    assert all(held["meanwhile"] > 0.6 * CROWD[kind] for kind, held in crowds.items())
    assert [one for one in seen.failed() if one.kind != CHANGING] == []
    torn = [one for one in seen.failed() if any(one.start <= gone and one.end >= killed for killed, gone in kills)]
    assert [one for one in seen.failed() if one not in torn] == []
    assert lost(address, NAME, seen.acknowledged, tls=True) == []
    assert release_of(host, "steady") != before
    assert seen.releases[-1] == release_of(host, "steady")


def kill_worker(host, seen):
    """Kill a worker process of gunicorn that has work: the times before and after its death."""
    pid = host.check_output("pgrep -n -P %s", main_pid(host))
    killed = time.monotonic()
    host.check_output("kill -9 %s", pid)
    eventually(lambda: host.run("ps -p %s", pid).rc != 0)
    gone = time.monotonic()
    eventually(lambda: seen.is_load_since(gone), 180)
    return killed, gone
