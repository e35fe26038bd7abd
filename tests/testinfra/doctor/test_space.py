"""File systems on which nothing can be written, while small pages work."""

import pytest
from helpers.doctor import NAME
from helpers.states import START

PLACE = "/var/lib/nginx"
COPY = "/mnt/small"
MEGABYTES = 4


@pytest.fixture
def small(driver, undo):
    """A small file system in which nginx keeps what it buffers."""
    # Lines in its log from before the start of nginx do not count.
    undo(f"sleep 1.1; {START}")
    undo(f"umount --lazy {PLACE}; umount {COPY}; rmdir {COPY}")
    driver.shell(
        f"mkdir {COPY}; mount -t tmpfs -o size={MEGABYTES}m small {COPY}; cp -a {PLACE}/. {COPY}\n"
        f"mount --bind {COPY} {PLACE}"
    )
    assert driver.shell(f"df --output=size --block-size=1M {PLACE} | tail -1").strip() == str(MEGABYTES)


def test_no_inode_is_left_for_uploads(driver, small, only):
    driver.shell(f"mount -o remount,nr_inodes=$(df --output=iused {COPY} | tail -1 | tr -d ' ') {COPY}")
    assert driver.ask("shell", f"touch {PLACE}/more")["rc"] != 0
    finding = only()
    assert finding["cause"].startswith(f"The file system of {PLACE} has no inodes left")
    assert f"df --inodes {PLACE}" in finding["remedy"]


def test_an_upload_that_nginx_could_not_buffer(driver, small, doctor):
    """nginx writes it to its log, and goes on. The operator sees that some requests fail."""
    driver.shell(START)
    full = f"head --bytes={2 * MEGABYTES}M /dev/zero > {PLACE}/filler"
    assert "No space left on device" in driver.ask("shell", full)["err"]
    upload = "head --bytes=300000 /dev/zero | curl -sk -o /dev/null -w '%{http_code}' --data-binary @- "
    url = f"--resolve {NAME}:443:127.0.0.1 https://{NAME}/"
    assert driver.shell(f"{upload}{url}") == "500"
    first, second = doctor()
    assert first["cause"].startswith(f"nginx logged '[crit] pwrite() \"{PLACE}/")
    assert "(28: No space left on device)" in first["cause"]
    assert "a file system was full: uploads and large responses fail" in first["cause"]
    assert second["cause"].startswith(f"The file system of {PLACE} is full")
    driver.shell(f"rm {PLACE}/filler")
    # What it did not explain is over; the line stays for a day, or until nginx is restarted.
    assert doctor() == [first]
