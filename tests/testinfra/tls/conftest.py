"""A host with a site of each kind. A test that changes them restores them."""

from pathlib import Path

import pytest
from helpers.long import share_out, take_long_tests, take_one_host
from helpers.play import REPOSITORY, Play
from helpers.tls import trusting

PUBLISH = Path(__file__).parent / "publish.yml"
ARTIFACTS = REPOSITORY / ".artifacts/tls"


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with GATEHOUSE_LONG")


def pytest_collection_modifyitems(config, items):
    """What publishes again and again takes its time, and so does the scanner, which gives no grades on Debian 12."""
    take_long_tests(config, items)
    take_one_host(config, items, {"test_scanners.py": "trixie", "test_dns.py": "trixie"})
    share_out(config, items, "test_changes.py", "test_failures.py", "test_proxy.py", "test_renewal.py")


@pytest.fixture(scope="module")
def authority(host):
    """The root of the ACME server, which it makes at each start."""
    return host.check_output("curl --silent --insecure https://localhost:15000/roots/0")


@pytest.fixture
def verifying(authority):
    """A client that believes that authority alone."""
    return trusting(authority)


@pytest.fixture
def unverifying():
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
