"""A site of these tests' own, on a host that serves others, which must not notice."""

from pathlib import Path

import pytest
from helpers.http import Visitor
from helpers.module import call
from helpers.play import run_play

REPUBLISH = Path(__file__).parents[1] / "default" / "maintenance.yml"


def pytest_collection_modifyitems(config, items):
    """Keep to the first host, the one with the oldest nginx: each of these tests is several runs of Ansible."""
    first = config.option.hosts.partition(",")[0]
    here = Path(__file__).parent
    elsewhere = [item for item in items if here in item.path.parents and first not in item.nodeid]
    items[:] = [item for item in items if item not in elsewhere]
    config.hook.pytest_deselected(items=elsewhere)


@pytest.fixture
def site():
    """The options of a right site that answers with a word of its own."""
    return {
        "name": "extra",
        "server_name": ["extra.example.test"],
        "locations": [{"path": "/", "proxy_pass": "http://127.0.0.1:9"}],
        "snippet": 'location = /word { default_type text/plain; return 200 "extra"; }',
    }


@pytest.fixture
def extra(address):
    return Visitor(address, "extra.example.test")


@pytest.fixture
def guestbook(address):
    return Visitor(address, "guestbook.example.test")


@pytest.fixture
def publish(host):
    """Publish sites with nginx_config; afterwards the host's sites are what its inventory says again."""

    def publish(*sites, **options):
        return call(host, "nginx_config", sites=list(sites), **options)

    yield publish
    removed = call(host, "nginx_config", sites=[{"name": "extra", "state": "absent"}])
    assert not removed["failed"], removed
    if "guestbook" not in removed["sites"]:
        run_play(REPUBLISH, host, maintenance=False)


@pytest.fixture
def snapshot(host):
    """What nginx_config could change: nginx's configuration and all that `nginx -t` writes to."""

    def snapshot():
        directories = "/etc/nginx /var/log/nginx /var/lib/nginx /run/nginx.pid /run/gatehouse-nginx-generation"
        # nginx writes to its access logs by itself, some seconds after a request.
        everything = r"-name '*access.log' -printf '%p %y %m %u\n' -o -printf '%p %y %m %u %s %T@ %l\n'"
        found = host.check_output(f"find {directories} {everything}").splitlines()
        files = "-type f -not -name '*access.log' -exec sha256sum {} +"
        contents = host.check_output(f"find {directories} {files}").splitlines()
        above = host.check_output("stat --format '%n %a %U %G %Y' / /etc").splitlines()
        return sorted([*above, *found, *contents])

    return snapshot
