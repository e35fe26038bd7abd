"""gunicorn is killed under load: requests queue until systemd has restarted it, and are answered."""

import time

import pytest
from helpers.hosts import eventually
from helpers.load import load, lost
from helpers.steady import main_pid, site_of

NAME = site_of("steady")
# systemd starts gunicorn after a second, which imports the app in two; a busy disk adds to it.
LONGEST_WAIT_SECONDS = 90


@pytest.mark.parametrize("victim", ["master", "worker"])
def test_requests_queue_while_gunicorn_restarts(host, address, victim, record_property):
    master = main_pid(host)
    pid = master if victim == "master" else host.check_output("pgrep -n -P %s", master)
    with load(address, NAME) as seen:
        eventually(seen.is_load, 180)
        killed = time.monotonic()
        host.check_output("kill -9 %s", pid)
        # Until the last of its processes is gone, a request may still reach one that is about to die.
        eventually(lambda: host.run("ps -p %s", pid).rc != 0)
        if victim == "master":
            eventually(lambda: main_pid(host) not in ("0", master))
        gone = time.monotonic()
        eventually(lambda: seen.is_load_since(gone), 180)
    assert [failure for failure in seen.failed() if failure.start > gone] == []
    # Those that the process was working on when it died: no other process can answer these.
    torn = [one for one in seen.failed() if one.start <= gone]
    print(f"{victim}: {len(torn)} requests were torn, of {seen.counts}: {seen.failures}")
    record_property("torn", len(torn))
    assert all(one.end > killed for one in torn)
    assert lost(address, NAME, seen.acknowledged) == []
    assert seen.worst("get") < LONGEST_WAIT_SECONDS
    if victim == "worker":
        assert main_pid(host) == master
