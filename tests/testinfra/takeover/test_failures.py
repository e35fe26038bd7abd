"""A takeover that ends before nginx has switched leaves the hand-made site as it was."""

import time
from contextlib import contextmanager

import pytest
from helpers.handmade import FILE, MEDIA, NAME, OLD_RELEASE, RECORD, active, show_evidence
from helpers.hosts import eventually
from helpers.load import load, lost
from helpers.long import LONG

# The app's service runs a script before it starts, which looks whether requests wait.
DROP_IN = "/run/systemd/system/shop-web@.service.d/fail.conf"
WAITING = "/run/gatehouse/takeover/shop/wait"
FAIL = f"! test -e {WAITING}"
KILL = f"""
test -e {WAITING} || exit 0
for file in /proc/[0-9]*/fd/*; do
    if [ "$(readlink "$file")" = /run/gatehouse/takeover/shop/lock ]; then
        process=${{file#/proc/}}; process=${{process%%/*}}
        if grep -q python "/proc/$process/comm"; then kill -9 "$process"; fi
    fi
done
exit 1
"""


@contextmanager
def start_script(host, script):
    host.check_output("mkdir -p %s", DROP_IN.rpartition("/")[0])
    host.check_output("printf '#!/bin/sh\\n%%s\\n' %s > /run/break && chmod +x /run/break", script)
    host.check_output("printf '[Service]\\nExecStartPre=+/run/break\\n' > %s && systemctl daemon-reload", DROP_IN)
    try:
        yield
    finally:
        host.check_output("rm -f %s && systemctl daemon-reload", DROP_IN)


def test_check_mode_says_what_would_be_taken_over_and_changes_nothing(host, takeover):
    look = RECORD.format(f"{MEDIA} /etc/nginx /etc/systemd/system /var/lib/gatehouse")
    before = host.check_output(look)
    played = takeover(check=True)
    assert played.code == 0, played.output
    assert f"copy uploads: {MEDIA} to /srv/shop/data/media" in played.output
    assert host.check_output(look) == before
    assert not host.file("/srv/shop").exists


@pytest.mark.parametrize(
    ("script", "words"),
    # A run that is killed ends as a failed one does: the kernel releases its lock, and the unit that watches acts.
    [(FAIL, "The hand-made site is served as before"), *([(KILL, "")] if LONG else [])],
)
def test_a_run_that_ends_while_requests_wait(host, address, takeover, script, words):
    with start_script(host, script), load(address, NAME, ["write"], tls=True) as seen:
        played = takeover()
        eventually(lambda: all(active(host)))
        time.sleep(1)
    show_evidence(host, seen, played)
    assert played.code != 0
    assert words in played.refusal
    assert seen.failures == []
    assert seen.releases == [OLD_RELEASE]
    assert lost(address, NAME, seen.acknowledged, tls=True) == []
    assert host.file("/etc/nginx/sites-enabled/project").linked_to == FILE
    # What a reboot would start.
    assert host.run("systemctl is-enabled gunicorn.socket worker.service").stdout.split() == ["enabled", "enabled"]
