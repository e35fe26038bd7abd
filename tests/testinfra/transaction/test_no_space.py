"""A disk that takes nothing more: a clear error, and nothing has changed."""

from contextlib import contextmanager

import pytest
from helpers.sites import extra as site

pytestmark = pytest.mark.one_host

GENERATIONS = "/etc/nginx/gatehouse/generations"


@contextmanager
def full(driver):
    """A file system of its own for the generations, with not one page left."""
    try:
        driver.shell(
            "mkdir /mnt/full; mount -t tmpfs -o size=4m full /mnt/full\n"
            f"cp -a {GENERATIONS}/. /mnt/full; mount --bind /mnt/full {GENERATIONS}\n"
            "mount -o remount,size=$(df --output=used -k /mnt/full | tail -1 | tr -d ' ')k /mnt/full"
        )
        yield
    finally:
        driver.shell(f"umount {GENERATIONS}; umount /mnt/full; rmdir /mnt/full")


@contextmanager
def read_only(driver):
    driver.shell(f"mount --bind {GENERATIONS} {GENERATIONS}; mount -o remount,bind,ro {GENERATIONS}")
    try:
        yield
    finally:
        driver.shell(f"umount {GENERATIONS}")


@contextmanager
def all_read_only(driver):
    """nginx's whole directory, as on a host with an immutable /etc."""
    driver.shell("mount --bind /etc/nginx /etc/nginx; mount -o remount,bind,ro /etc/nginx")
    try:
        yield
    finally:
        driver.shell("umount /etc/nginx")


def test_a_configuration_directory_that_is_read_only(driver, refuse):
    with all_read_only(driver):
        message = refuse(site())
    assert "Read-only file system" in message
    assert "The live configuration is as it was" in message


@pytest.mark.parametrize(
    ("disk", "words"), [(full, "No space left on device"), (read_only, "Read-only file system")], ids=["full", "ro"]
)
def test_a_disk_that_takes_nothing_more(driver, refuse, extra, disk, words):
    driver.publish(site("old"))
    with disk(driver):
        message = refuse(site("new"))
    assert words in message
    assert GENERATIONS in message
    assert "The live configuration is as it was" in message
    assert extra.get("/word").text == "old"
    assert driver.publish(site("new"))["changed"]
    assert extra.get("/word").text == "new"
