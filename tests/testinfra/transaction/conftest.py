"""A host that serves the site `shop`. After each test it serves that alone again, and no run has left anything."""

import pytest
from helpers.direct import driver as driver_of
from helpers.http import Visitor
from helpers.long import LONG
from helpers.sites import SHOP


def pytest_configure(config):
    config.addinivalue_line("markers", "one_host: in the gate on one of the hosts, in the long form on each")


def pytest_collection_modifyitems(config, items):
    """Deal the tests that are marked so out to the hosts."""
    marked = [item for item in items if item.get_closest_marker("one_host")]
    if LONG or not marked:
        return
    hosts = config.option.hosts.split(",")
    names = list(dict.fromkeys(item.originalname for item in marked))
    elsewhere = [item for item in marked if hosts[names.index(item.originalname) % len(hosts)] not in item.nodeid]
    items[:] = [item for item in items if item not in elsewhere]
    config.hook.pytest_deselected(items=elsewhere)


@pytest.fixture
def driver(host):
    return driver_of(host.backend.name)


@pytest.fixture(autouse=True)
def afterwards(driver, shop):
    yield
    restored = driver.publish(SHOP, purge=True)
    assert not restored["failed"], restored["msg"]
    assert driver.ask("leftovers") == []
    assert shop.get("/").json()["answered by"] == "the upstream shop"


@pytest.fixture
def shop(address):
    return Visitor(address, "shop.example.test")


@pytest.fixture
def extra(address):
    """The visitor of the site that helpers.sites.extra describes."""
    return Visitor(address, "extra.example.test")


@pytest.fixture
def refuse(driver, shop):
    """The message of a change that must be refused, twice alike, with all files as they were and served."""

    def refuse(*sites, **options):
        before = files(driver)
        first, second = driver.publish(*sites, **options), driver.publish(*sites, **options)
        assert first["failed"]
        assert second["failed"]
        assert first["msg"] == second["msg"]
        assert files(driver) == before
        assert shop.get("/").status == 200
        return first["msg"]

    return refuse


def files(driver):
    """nginx's configuration with modes, owners and contents, but no times: what was taken back was there."""
    found = driver.ask("snapshot", "/etc/nginx")
    return {path: [mode, owner, content] for path, (mode, owner, *_numbers, content) in found.items()}
