"""A host of any scenario as its play made it. molecule.yml names this directory in `additional_files_or_dirs`."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """These tests come first: those of the scenario may leave lines in logs that are findings for an hour."""
    items.sort(key=lambda item: item.path.parent != HERE)
