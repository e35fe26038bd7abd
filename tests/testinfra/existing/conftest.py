"""Hosts with an nginx that others configured."""

from helpers.long import share_out


def pytest_collection_modifyitems(config, items):
    """Each of these is a play of its own."""
    share_out(config, items, "test_role_nginx.py")
