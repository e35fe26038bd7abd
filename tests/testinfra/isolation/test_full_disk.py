"""A deployment that does not fit on the disk fails; the served app still answers and writes."""

import shutil
from contextlib import contextmanager

import pytest
from helpers.hosts import release_of, unit
from helpers.play import REPOSITORY
from helpers.steady import failed, start_deploy
from helpers.tls import get, trusting

APP = "evil"
COPY = "/mnt/full-disk"
BIG = 20_000_000  # bytes of a file of the new release
LEFT = 10_000  # KiB that the file system has left for it


@contextmanager
def moved(host):
    """The app's directory on a file system of its own, while its units are stopped."""
    units = f"{unit(host, APP, 'socket')} {unit(host, APP, 'service')}"
    host.check_output(f"systemctl stop {units}")
    host.check_output(
        f"mkdir {COPY} && mount -t tmpfs -o size=1g full {COPY} && cp -a /srv/{APP}/. {COPY}"
        f" && mount --bind {COPY} /srv/{APP}"
    )
    try:
        host.check_output(f"systemctl start {units}")
        yield
    finally:
        host.check_output(f"systemctl stop {units}; umount --lazy /srv/{APP}; umount --lazy {COPY}; rmdir {COPY}")
        host.check_output(f"systemctl start {units}")


@pytest.fixture
def project(tmp_path):
    """A release that is larger than what is left."""
    project = tmp_path / "tiny"
    shutil.copytree(REPOSITORY / "tests/projects/tiny", project)
    (project / "big").write_bytes(bytes(range(256)) * (BIG // 256))
    return project


def test_a_candidate_that_does_not_fit_leaves_the_space_to_the_app(host, address, as_user, project):
    before = release_of(host, APP)
    with moved(host):
        older = f"/srv/{APP}/failed/older"
        host.check_output(f"mkdir -p {older} && head -c 1000000 /dev/zero > {older}/file")
        host.check_output(f"mount -o remount,size=$(($(df --output=used -k {COPY} | tail -1) + {LEFT}))k {COPY}")
        played = start_deploy(host, project, APP).finish()
        assert played.code != 0
        assert "No space left on device" in played.refusal
        assert f"The candidate was removed, because the file system of /srv/{APP} has " in played.refusal
        assert f"State of the host: {before} is served, as before." in played.refusal
        assert failed(host, APP) == []
        # More than was left before the failures that were kept are gone: nothing of the candidate is there.
        written = as_user(APP, f"head -c {LEFT * 1000} /dev/zero > /srv/{APP}/data/file && rm /srv/{APP}/data/file")
        assert written.rc == 0, written.stderr
        assert get(address, f"{APP}.example.test", "/", trusting()).status == 200
    assert release_of(host, APP) == before
