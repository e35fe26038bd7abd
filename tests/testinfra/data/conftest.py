"""One app, `ledger`, with the data services that its entry names. Most tests run on one of the hosts, in turns."""

import sys
from pathlib import Path

import pytest
from helpers.http import Visitor
from helpers.long import share_out_each, take_long_tests

sys.path[:0] = [str(Path(__file__).parent)]


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with GATEHOUSE_LONG")


def pytest_collection_modifyitems(config, items):
    take_long_tests(config, items)
    share_out_each(config, items, lambda item: True)


@pytest.fixture
def undo(host):
    """Commands that put the host back, the last one first. Unlike the driver's, it survives a reboot."""
    commands = []
    yield commands.append
    for command in reversed(commands):
        host.check_output(command)


@pytest.fixture
def ledger(address):
    return Visitor(address, "ledger.example.test")
