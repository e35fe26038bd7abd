"""One app on two web hosts, behind a balancer, with its database on a fourth host. Tests begin at the balancer."""

import sys
from pathlib import Path

import pytest
import testinfra
from helpers.long import take_long_tests

sys.path[:0] = [str(Path(__file__).parent)]


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with GATEHOUSE_LONG")


def pytest_collection_modifyitems(config, items):
    take_long_tests(config, items)


@pytest.fixture(scope="session")
def web_hosts():
    """The web hosts by name."""
    return {name: testinfra.get_host(f"podman://{name}") for name in ("gatehouse-fleet-web1", "gatehouse-fleet-web2")}


@pytest.fixture(scope="session")
def database_host():
    return testinfra.get_host("podman://gatehouse-fleet-db")
