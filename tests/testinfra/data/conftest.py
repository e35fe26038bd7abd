"""One app, `ledger`, with the data services that its entry names. Most tests run on one of the hosts, in turns."""

import pytest
from helpers.http import Visitor
from helpers.long import share_out_each


def pytest_collection_modifyitems(config, items):
    share_out_each(config, items, lambda item: True)


@pytest.fixture
def ledger(address):
    return Visitor(address, "ledger.example.test")
