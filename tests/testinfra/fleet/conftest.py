"""The hosts of a fleet. The tests take all of them together, so they run once."""

import sys
from pathlib import Path

from helpers.long import take_long_tests

sys.path[:0] = [str(Path(__file__).parent)]


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with GATEHOUSE_LONG")


def pytest_collection_modifyitems(config, items):
    take_long_tests(config, items)
