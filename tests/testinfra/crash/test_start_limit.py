"""An app that failed often is served as soon as its cause is gone: no start limit, nothing to reset by hand."""

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


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return variant_in(tmp_path_factory.mktemp("projects"), {"steady/wsgi.py": NEEDS})


def test_a_release_that_was_refused_twice_is_deployed_when_its_cause_is_gone(host, address, project):
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


def test_a_release_that_dies_again_and_again_is_back_when_its_cause_is_gone(host, address, project):
    deploy(host, project)
    service = unit(host, "steady", "service")
    with broken(host):
        host.check_output("systemctl kill --signal=KILL %s", service)
        restarts = "systemctl show -P NRestarts %s"
        eventually(lambda: int(host.check_output(restarts, service)) > 6, 120)
        with load(address, NAME) as seen:
            time.sleep(2)
            host.check_output("rm %s", BROKEN)
            eventually(lambda: main_pid(host) != "0")
            time.sleep(4)
    assert seen.failures == []
