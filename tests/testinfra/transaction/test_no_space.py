"""A disk without space or inodes, or a read-only one: a clear error, and nothing has changed."""

from contextlib import contextmanager

import pytest
from helpers.sites import extra as site

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
    driver.publish(site("old"))
    with all_read_only(driver):
        message = refuse(site("new"))
        # What is as it has to be needs no writing.
        again = driver.publish(site("old"))
    assert "Read-only file system" in message
    assert "The live configuration is as it was" in message
    assert (again["failed"], again["changed"]) == (False, False), again


@contextmanager
def small(driver, path, limit):
    """A copy of *path* in memory, in its place, with that mount option; $used is what the copy needs."""
    copy = "/mnt/small"
    try:
        driver.shell(
            f"mkdir {copy}; mount -t tmpfs -o size=16m small {copy}; cp -a {path}/. {copy}\n"
            f"mount --bind {copy} {path}; used=$(df --output=iused {copy} | tail -1 | tr -d ' ')\n"
            f"mount -o remount,{limit} {copy}"
        )
        yield
    finally:
        driver.shell(f"umount --lazy {path}; umount {copy}; rmdir {copy}")


@pytest.mark.parametrize("limit", ["nr_inodes=$used", "ro"])
def test_no_access_log_can_be_created(driver, refuse, limit):
    with small(driver, "/var/log/nginx", limit):
        driver.shell("rm -f /var/log/nginx/unlogged.access.log || true")
        message = refuse(site(name="unlogged", server_name=["unlogged.example.test"]))
    assert "'/var/log/nginx/unlogged.access.log'. " in message
    assert ("has no inodes left ('df --inodes'): free some. " in message) == (limit != "ro")
    assert "The live configuration is as it was" in message


@contextmanager
def full_run(driver):
    """/run without one page left, as after a boot: nothing is recorded yet."""
    space = driver.shell("df --output=size -k /run | tail -1").strip()
    driver.shell(
        "rm -f /run/gatehouse-nginx-generation\n"
        "mount -o remount,size=$(df --output=used -k /run | tail -1 | tr -d ' ')k /run"
    )
    assert driver.ask("shell", "echo > /run/more")["rc"] != 0
    try:
        yield
    finally:
        driver.shell(f"mount -o remount,size={space}k /run; rm -f /run/more")


def test_no_room_to_record_what_nginx_has_read(driver, extra):
    driver.publish(site("old"))
    with full_run(driver):
        done = driver.publish(site("new"))
        assert (done["failed"], done["reloaded"]) == (False, True), done
        assert any("/run/gatehouse-nginx-generation" in warning for warning in done["warnings"])
        assert extra.get("/word").text == "new"
    # The next run cannot know, reloads once more, and records it.
    assert driver.publish(site("new"))["reloaded"]
    assert driver.publish(site("new"))["changed"] is False


def test_systemd_cannot_reload_nginx(driver, refuse, extra):
    """As where /run has no inodes left, in which systemd 257 makes the mount points of the sandbox for each reload."""
    driver.publish(site("old"))
    directory = "/run/systemd/system/nginx.service.d"
    driver.shell(
        f"mkdir -p {directory}; printf '[Service]\\nExecReload=\\nExecReload=/bin/false\\n' >{directory}/broken.conf\n"
        "systemctl daemon-reload"
    )
    try:
        message = refuse(site("new"))
    finally:
        driver.shell(f"rm -r {directory}; systemctl daemon-reload")
    # systemctl says only how to read the reason.
    assert "'systemctl reload nginx.service' failed: nginx.service: Control process exited, " in message
    assert "status=1/FAILURE. The live configuration is as it was" in message
    assert extra.get("/word").text == "old"
    assert driver.publish(site("new"))["changed"]


def test_nginx_is_masked(driver, refuse):
    driver.shell("systemctl mask nginx")
    try:
        message = refuse(site())
    finally:
        driver.shell("systemctl unmask nginx")
    assert (
        "is masked. Remove the mask: 'systemctl unmask nginx.service'. The live configuration is as it was" in message
    )


@pytest.mark.parametrize(
    ("disk", "words"), [(full, "No space left on device"), (read_only, "Read-only file system")], ids=["full", "ro"]
)
def test_a_full_disk(driver, refuse, extra, disk, words):
    driver.publish(site("old"))
    with disk(driver):
        message = refuse(site("new"))
    assert words in message
    assert (f"The file system of {GENERATIONS} is full: free some." in message) == (disk is full)
    assert GENERATIONS in message
    assert "The live configuration is as it was" in message
    assert extra.get("/word").text == "old"
    assert driver.publish(site("new"))["changed"]
    assert extra.get("/word").text == "new"
