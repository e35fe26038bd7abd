"""Fixtures that every scenario shares. Requests go from the controller to the host's address, as a visitor's do."""

import sys
from pathlib import Path

import pytest

# molecule runs pytest from the scenario's directory, where no `pythonpath` of ours applies.
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / ".collections")]


def pytest_configure():
    from helpers import shell

    shell.install()


@pytest.fixture(scope="module")
def address(host):
    return host.check_output("hostname --all-ip-addresses").split()[0]


@pytest.fixture
def driver(host):
    """The host's own process that runs our modules and commands."""
    from helpers.direct import driver as driver_of  # it imports the collection, which is on the path only now

    return driver_of(host.backend.name)


@pytest.fixture
def undo(driver):
    """Commands that put the host back, the last one first, whatever happens in between."""
    commands = []
    yield commands.append
    for command in reversed(commands):
        driver.shell(command)
