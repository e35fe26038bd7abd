"""A host with a site of each kind. A test that changes them puts them back."""

from pathlib import Path

import pytest
from helpers.long import LONG
from helpers.play import REPOSITORY, Play
from helpers.tls import trusting

PUBLISH = Path(__file__).parent / "publish.yml"
ARTIFACTS = REPOSITORY / ".artifacts/tls"


def pytest_collection_modifyitems(config, items):
    """Tests that publish again and again are shared out between the hosts, unless there is time."""
    hosts = config.option.hosts.split(",")
    turns, elsewhere = {}, []
    for item in items:
        if item.path.name in ("test_changes.py", "test_failures.py") and not LONG:
            where = next(host for host in hosts if host in item.name)
            turn = turns.setdefault(item.name.replace(where, ""), len(turns))
            if where != hosts[turn % len(hosts)]:
                elsewhere.append(item)
    items[:] = [item for item in items if item not in elsewhere]
    config.hook.pytest_deselected(items=elsewhere)


@pytest.fixture(scope="module")
def authority(host):
    """The root of the ACME server, which it makes at each start."""
    return host.check_output("curl --silent --insecure https://localhost:15000/roots/0")


@pytest.fixture
def believer(authority):
    """A client that believes that authority and nobody else."""
    return trusting(authority)


@pytest.fixture
def anybody():
    return trusting()


@pytest.fixture
def publish(host):
    """publish(changes...): how the play ended that publishes the scenario's sites with these changes."""
    changed = []

    def publish(*sites, acme=None):
        changed.append(sites)
        return Play(PUBLISH, host, lab_changes=list(sites), lab_acme_changes=acme or {}).finish()

    yield publish
    if changed:
        restored = Play(PUBLISH, host).finish()
        assert restored.code == 0, restored.output
