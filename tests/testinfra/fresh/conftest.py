"""Hosts on which role nginx has not run yet."""

from helpers.long import share_out


def pytest_collection_modifyitems(config, items):
    """What has a port depends little on the distribution."""
    share_out(config, items, "test_taken_port.py")
