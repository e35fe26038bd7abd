"""One app, the project `steady`, which is killed in several ways."""

import pytest
from helpers.long import take_long_tests
from helpers.steady import variant_in


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with GATEHOUSE_LONG")


def pytest_collection_modifyitems(config, items):
    take_long_tests(config, items)


@pytest.fixture
def variant(tmp_path):
    """Makes copies of the project; each is a release of its own."""
    return lambda files=None: variant_in(tmp_path, files)
