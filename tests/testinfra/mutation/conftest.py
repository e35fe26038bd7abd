"""One host is enough, and the mutants themselves are for the long form: each is a reload and a run of tests."""

from pathlib import Path

import pytest
from helpers.long import LONG


def pytest_collection_modifyitems(config, items):
    first = config.option.hosts.partition(",")[0]
    here = Path(__file__).parent
    elsewhere = [item for item in items if here in item.path.parents and first not in item.nodeid]
    if not LONG:
        elsewhere += [item for item in items if item.get_closest_marker("long") and item not in elsewhere]
    items[:] = [item for item in items if item not in elsewhere]
    config.hook.pytest_deselected(items=elsewhere)


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with GATEHOUSE_LONG")


@pytest.fixture
def live(host):
    """The content of a file of the live generation."""

    def read(name):
        return host.file(f"/etc/nginx/gatehouse/live/{name}").content_string

    return read
