"""A host that serves the site `shop`. After each test it serves only that, and no temporary file is left."""

import pytest
from helpers.http import Visitor
from helpers.long import share_out_each
from helpers.sites import SHOP

# What differs most between the hosts' nginx, systemd and Python. test_killed.py shares its moments out itself.
EVERYWHERE = ("test_sites.py", "test_killed.py")


def pytest_collection_modifyitems(config, items):
    share_out_each(config, items, lambda item: item.path.name not in EVERYWHERE)


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
