"""One app on two web hosts, behind a balancer, with its database on a fourth host. Tests begin at the balancer."""

import subprocess
import sys
from pathlib import Path

import pytest
import testinfra
from helpers.long import take_long_tests

sys.path[:0] = [str(Path(__file__).parent)]

import plays  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with GATEHOUSE_LONG")


def pytest_collection_modifyitems(config, items):
    take_long_tests(config, items)


@pytest.fixture(scope="session")
def web_hosts():
    """The web hosts by name."""
    return {name: testinfra.get_host(f"podman://{name}") for name in ("gatehouse-fleet-web1", "gatehouse-fleet-web2")}


@pytest.fixture(scope="session")
def database_host():
    return testinfra.get_host("podman://gatehouse-fleet-db")


@pytest.fixture(scope="module")
def balancers():
    """Both balancers by name, after the whole play; afterwards there is one again."""
    boot = ["molecule/shared/create.yml", f"--limit=localhost,{plays.BALANCERS[1]}"]
    prepare = ["molecule/shared/prepare.yml", f"--limit=localhost,{plays.BALANCERS[1]}"]
    for arguments in (boot, prepare, ["gatehouse.django.site", "--limit=balancers:web"]):
        plays.succeeded(*arguments, second=plays.SECOND)
    yield {name: testinfra.get_host(f"podman://{name}") for name in plays.BALANCERS}
    options = ["--tags=nginx", "--limit=balancers"]
    ended = plays.play("gatehouse.django.site", *options, second=plays.SECOND, keepalived_addresses=[])
    subprocess.run(["podman", "rm", "--force", "--time=0", plays.BALANCERS[1]], check=True, capture_output=True)
    assert ended.returncode == 0, ended.stdout
