"""One host is enough. The mutants run in the long form only: each is a reload and a run of tests."""

import sys
from pathlib import Path

import pytest
from helpers.hosts import scenario
from helpers.long import LONG

sys.path.insert(0, str(Path(__file__).parent))
import mutants as default_mutants
import tls_mutants

MUTANTS = {"default": default_mutants.MUTANTS, "tls": tls_mutants.MUTANTS}


def pytest_generate_tests(metafunc):
    if "mutant" in metafunc.fixturenames:
        metafunc.parametrize("mutant", MUTANTS[scenario(metafunc.config.option.hosts)], ids=str)


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
def mutants(host):
    """Those of the host's scenario."""
    return MUTANTS[scenario(host.backend.name)]


@pytest.fixture
def live(host):
    """The content of a file of the live generation."""

    def read(name):
        return host.file(f"/etc/nginx/gatehouse/live/{name}").content_string

    return read
