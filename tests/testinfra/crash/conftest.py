"""One app, the project `steady`, which is killed in several ways."""

import pytest
from helpers.long import LONG
from helpers.steady import variant_in


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with GATEHOUSE_LONG")


def pytest_collection_modifyitems(config, items):
    elsewhere = [item for item in items if item.get_closest_marker("long") and not LONG]
    items[:] = [item for item in items if item not in elsewhere]
    config.hook.pytest_deselected(items=elsewhere)


@pytest.fixture
def variant(tmp_path):
    """Makes copies of the project; each is a release of its own."""
    return lambda files=None: variant_in(tmp_path, files)
