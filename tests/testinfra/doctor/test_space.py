"""File systems on which nothing can be written, while small pages work."""

PLACE = "/var/lib/nginx"
COPY = "/mnt/small"


def test_no_inode_is_left_for_uploads(driver, undo, only):
    undo(f"umount --lazy {PLACE}; umount {COPY}; rmdir {COPY}")
    driver.shell(
        f"mkdir {COPY}; mount -t tmpfs -o size=4m small {COPY}; cp -a {PLACE}/. {COPY}; mount --bind {COPY} {PLACE}\n"
        f"mount -o remount,nr_inodes=$(df --output=iused {COPY} | tail -1 | tr -d ' ') {COPY}"
    )
    assert driver.ask("shell", f"touch {PLACE}/more")["rc"] != 0
    finding = only()
    assert finding["cause"].startswith(f"The file system of {PLACE} has no inodes left")
    assert f"df --inodes {PLACE}" in finding["remedy"]
