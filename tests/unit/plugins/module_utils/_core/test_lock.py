"""Locks that only their owner can take."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import lock

HOLD = """
import sys
from pathlib import Path
from ansible_collections.gatehouse.django.plugins.module_utils._core import lock
lock.LOCKS = Path(sys.argv[1])
with lock.locked("nginx"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def locks(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "LOCKS", tmp_path / "run/locks")
    monkeypatch.setattr(lock, "LOCK_TIMEOUT_SECONDS", 0.0)
    return tmp_path / "run/locks"


@contextmanager
def holder(*command, ready=True):
    """A process that holds the lock."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert not ready or process.stdout.readline() == "held\n"
        yield process


@contextmanager
def another_run(locks):
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path}\n{HOLD}", str(locks)]
    with holder(*command) as process:
        yield process


def refused():
    with pytest.raises(lock.LockError) as error, lock.locked("nginx"):
        pass
    return str(error.value)


def test_directory_and_file_are_private(locks):
    with lock.locked("app-shop"):
        assert (locks.stat().st_mode & 0o777, (locks / "app-shop").stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_lock_is_free_after_its_use():
    """Smoke test: nothing is raised."""
    for _attempt in range(2):
        with lock.locked("nginx"):
            pass


def test_locks_do_not_exclude_each_other():
    """Smoke test: nothing is raised."""
    with lock.locked("nginx"), lock.locked("app-shop"):
        pass


def test_the_message_names_the_holder_and_for_how_long_it_has_held(locks, monkeypatch):
    real = lock.time.clock_gettime
    with another_run(locks) as process:
        monkeypatch.setattr(lock.time, "clock_gettime", lambda clock: real(clock) + 75)
        assert re.fullmatch(
            rf"Timed out after 0 s waiting for the lock on {locks}/nginx, held by process {process.pid} "
            rf"\({sys.executable} -c .*\) for 7[5-9] s\. Nothing was changed; retry later\.",
            refused(),
            re.DOTALL,
        )


def test_the_lock_of_a_killed_holder_is_free(locks):
    """Smoke test: nothing is raised."""
    with another_run(locks) as process:
        process.kill()
        process.wait()
        with lock.locked("nginx"):
            pass


def test_no_time_is_claimed_for_a_holder_that_has_recorded_none(locks):
    with lock.locked("nginx"):
        pass
    with holder("flock", str(locks / "nginx"), "sh", "-c", "echo held; cat") as process:
        assert f"held by process {process.pid} (flock {locks}/nginx sh -c echo held; cat). Nothing" in refused()


def test_a_lock_on_the_directory_does_not_count(locks):
    """Smoke test: nothing is raised."""
    with lock.locked("nginx"):
        pass
    descriptor = os.open(locks, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with lock.locked("nginx"):
        pass
    os.close(descriptor)


@pytest.mark.parametrize("name", ["../shadow", "", "a/b", "Shop", ".hidden"])
def test_other_values_are_not_addresses(name):
    with pytest.raises(ValueError, match="is not the name of a lock"), lock.locked(name):
        pass


def test_a_link_in_the_place_of_the_directory_is_refused(locks, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    locks.parent.mkdir()
    locks.symlink_to(tmp_path / "elsewhere")
    assert f"The lock {locks}/nginx cannot be taken: " in refused()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_in_the_place_of_the_file_is_refused(locks, tmp_path):
    locks.mkdir(parents=True, mode=0o700)
    (locks / "nginx").symlink_to(tmp_path / "victim")
    assert "cannot be taken: " in refused()
    assert not (tmp_path / "victim").exists()


def test_a_fifo_in_the_place_of_the_file_is_refused(locks):
    locks.mkdir(parents=True, mode=0o700)
    os.mkfifo(locks / "nginx", 0o600)
    assert "cannot be taken: " in refused()


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_directory_that_others_may_enter_is_refused(locks, mode):
    locks.mkdir(parents=True)
    locks.chmod(mode)
    assert f"The lock {locks} cannot be taken" in refused()
    assert f"has mode {mode:04o}, but it must belong to user {os.geteuid()}, and other users must not" in refused()


def test_a_parent_that_others_may_change_is_refused(locks):
    locks.mkdir(parents=True, mode=0o700)
    locks.parent.chmod(0o1777)
    assert f"The lock {locks.parent} cannot be taken" in refused()


def test_a_link_in_the_place_of_the_parent_is_refused(locks, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    locks.parent.symlink_to(tmp_path / "elsewhere")
    assert "cannot be taken: " in refused()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_directory_of_another_user_is_refused(locks, monkeypatch):
    locks.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert "but it must belong to user 4711" in refused()


def test_a_directory_that_cannot_be_made_is_named(locks):
    locks.parent.write_text("a file")
    assert f"The lock {locks}/nginx cannot be taken: [Errno" in refused()


def test_whether_a_lock_is_held():
    assert not lock.is_held("nginx")
    with lock.locked("nginx"):
        assert lock.is_held("nginx")
    assert not lock.is_held("nginx")
