"""A host that went from Debian 12 to 13, on which PostgreSQL 15 still serves an app with data."""

import sys
from pathlib import Path

import pytest
from helpers.http import Visitor

sys.path[:0] = [str(Path(__file__).parent)]


@pytest.fixture(scope="module")
def upgrade(host):
    from upgrades import Upgrade  # on the path only now

    return Upgrade(host)


@pytest.fixture
def ledger(address):
    return Visitor(address, "ledger.example.test")


@pytest.fixture
def old(upgrade):
    """The old cluster serves: an upgrade that a test has made is taken back."""
    yield
    if upgrade.clusters().get("17/main"):
        played = upgrade.play(back=True, confirm=upgrade.name)
        assert played.code == 0, played.output
        upgrade.host.check_output("pg_dropcluster 17 main")
