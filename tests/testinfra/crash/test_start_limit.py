"""An app that failed often is served when its cause is gone: no start limit stops it, and no reset is needed."""

import time
from contextlib import contextmanager

import pytest
from helpers.hosts import eventually, release_of, unit
from helpers.load import load
from helpers.steady import deploy, failed, main_pid, site_of, start_deploy, variant_in

NAME = site_of("steady")
BROKEN = "/srv/steady/data/broken"
# The cause is not in the release: the same one must be able to come later. It fails at once, so that starts follow each
# other more quickly than systemd allows by default, which is five times in ten seconds.
NEEDS = f"""
import os, sys

if "gunicorn" in sys.argv[0] and os.path.exists("{BROKEN}"):
    raise RuntimeError("the data is broken")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
"""


@contextmanager
def broken(host):
    host.check_output("touch %s", BROKEN)
    try:
        yield
    finally:
        host.check_output("rm -f %s", BROKEN)


def queued(host):
    """The number of requests that wait in the backlog of the app's socket."""
    sockets = host.check_output("ss --no-header --listening --unix | grep /srv/steady/").splitlines()
    return sum(int(socket.split()[2]) for socket in sockets)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return variant_in(tmp_path_factory.mktemp("projects"), {"steady/wsgi.py": NEEDS})


def test_a_release_that_failed_twice_is_deployed_after_its_repair(host, address, project):
    served = release_of(host, "steady")
    with load(address, NAME) as seen:
        with broken(host):
            for _attempt in range(2):
                played = start_deploy(host, project).finish()
                assert played.code != 0
                assert "the data is broken" in played.refusal
                (refused, *_older) = failed(host)
        assert deploy(host, project) == refused != served
    assert seen.failures == []
    assert seen.releases == [served, refused]


def test_a_crashing_release_recovers_when_its_cause_is_gone(host, address, project):
    deploy(host, project)
    service = unit(host, "steady", "service")
    with broken(host):
        host.check_output("systemctl kill --signal=KILL %s", service)
        restarts = "systemctl show -P NRestarts %s"
        eventually(lambda: int(host.check_output(restarts, service)) > 6, 120)
        with load(address, NAME) as seen:
            eventually(lambda: queued(host))
            host.check_output("rm %s", BROKEN)
            eventually(lambda: main_pid(host) != "0")
            started = time.monotonic()
            eventually(lambda: seen.is_load_since(started), 40)
    assert seen.failures == []
