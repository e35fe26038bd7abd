"""Two neighbours on one host: what an attacker's app tries, and how the other one fares."""

import sys
from pathlib import Path

import pytest
from helpers.long import share_out

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

from plays import copied  # noqa: E402


def pytest_collection_modifyitems(config, items):
    """What a diagnosis makes of an attack depends little on the distribution."""
    share_out(config, items, "test_diagnosis.py")


@pytest.fixture
def as_user(host):
    """Run a shell command as a user, outside of any sandbox: the most that an attacker can hope for."""

    def run(user, command):
        return host.run("setpriv --reuid=%s --regid=%s --init-groups sh -c %s", user, user, command)

    return run


@pytest.fixture
def variant(tmp_path):
    """Makes changed copies of the project."""
    return lambda files: copied(tmp_path / f"project{len(list(tmp_path.iterdir()))}", files)
