"""A host that is lost with its two apps, `ledger` (PostgreSQL) and `archive` (SQLite), and a new one in its place.

Beside it, another host keeps the backups and the certificate authority.
"""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.long import LONG, take_long_tests
from helpers.play import REPOSITORY, Play
from helpers.tls import trusting

sys.path[:0] = [str(Path(__file__).parent)]
SHARED = REPOSITORY / "molecule/shared"


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with GATEHOUSE_LONG")


def pytest_collection_modifyitems(config, items):
    take_long_tests(config, items)


def pytest_generate_tests(metafunc):
    """The host has Debian 12. It comes back with Debian 13; in the long form first with the same Debian."""
    if "suite" in metafunc.fixturenames:
        metafunc.parametrize("suite", [*(["bookworm"] if LONG else []), "trixie"], scope="module")


@pytest.fixture(scope="module")
def keeper(host):
    """Runs a shell command on the host that is not lost."""
    name = host.backend.name.replace("-web", "-keeper")

    def run(command):
        return subprocess.run(
            ["podman", "exec", name, "sh", "-c", command], check=True, capture_output=True, text=True
        ).stdout

    return run


@pytest.fixture(scope="module")
def believer(keeper):
    """A client that believes the authority alone."""
    return trusting(keeper(f"python3 -c {shlex.quote(ROOT)}"))


ROOT = (
    "import ssl, urllib.request as r; "
    'print(r.urlopen("https://localhost:15000/roots/0", context=ssl._create_unverified_context()).read().decode())'
)


@pytest.fixture(scope="module")
def replace(host):
    """replace(suite): lose the host, and have an empty one with its name and address."""

    def replace(suite):
        for name in ("destroy", "create"):
            hosts = (host.backend.name, "localhost")
            played = Play(SHARED / f"{name}.yml", host, hosts, lab_suite=suite).finish()
            assert played.code == 0, played.output

    return replace
