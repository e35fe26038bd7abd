"""Two apps on one host: a hostile one, and one that it attacks."""

import sys
from pathlib import Path

import pytest
from helpers.long import share_out, take_one_host

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

from plays import copied  # noqa: E402

# Both hosts have the kernel of this machine: what their Python, systemd and nginx differ in is what matters.
ONE_HOST = {
    # Its Python 3.11 recurses to remove a tree.
    "test_planted_files.py": "bookworm",
    "test_full_disk.py": "bookworm",
    "test_hostile_builds.py": "trixie",
    "test_forged_reports.py": "trixie",
    "test_hostile_words.py": "trixie",
}


def pytest_collection_modifyitems(config, items):
    take_one_host(config, items, ONE_HOST)
    shared = ("diagnosis", "injection", "limits", "manage", "media_links", "operations", "repositories", "visitor")
    share_out(config, items, *(f"test_{name}.py" for name in shared))


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
