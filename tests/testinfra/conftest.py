"""Fixtures that every scenario shares. Requests go from the controller to the host's address, as a visitor's do."""

import sys
from pathlib import Path

import pytest

# molecule runs pytest from the scenario's directory, where no `pythonpath` of ours applies.
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / ".collections")]


@pytest.fixture(scope="module")
def address(host):
    return host.check_output("hostname --all-ip-addresses").split()[0]
