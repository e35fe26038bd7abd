"""What a file system lacks."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import disk_space

FREE = {"f_flag": 0, "f_bavail": 9, "f_files": 9, "f_favail": 9}
NO_INODES = FREE | {"f_favail": 0}


@pytest.fixture
def state(monkeypatch):
    def set_state(**changes):
        monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(**FREE | changes))

    return set_state


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"f_flag": os.ST_RDONLY, "f_bavail": 0}, "is read-only"),
        ({"f_bavail": 0}, "is full"),
        ({"f_favail": 0}, "has no inodes left ('df --inodes')"),
        # btrfs has no fixed number of inodes.
        ({"f_files": 0, "f_favail": 0}, ""),
    ],
)
def test_why_no_file_can_be_made(state, changes, expected):
    state(**changes)
    assert disk_space.lack("/run") == expected


def test_an_error_is_explained_by_the_file_system_that_it_names(state, tmp_path, monkeypatch):
    state(f_favail=0)
    monkeypatch.setattr(os.path, "ismount", lambda path: path == str(tmp_path))
    error = OSError(errno.ENOSPC, "No space left on device", f"{tmp_path}/missing/file")
    words = f"The file system of {tmp_path} has no inodes left ('df --inodes'): free some."
    assert disk_space.explain(error) == words
    wrapped = RuntimeError("phase 'source'")
    wrapped.__cause__ = error
    assert disk_space.with_lack(wrapped) == f"phase 'source'\n{words}"


@pytest.mark.parametrize(
    "error",
    [None, ValueError("no"), OSError(errno.ENOSPC, "no name"), OSError(errno.EACCES, "refused", "/run/file")],
    ids=repr,
)
def test_other_errors(state, error):
    state(f_favail=0)
    assert disk_space.explain(error) == ""


def test_space_that_is_free_again(state):
    state()
    assert disk_space.explain(OSError(errno.ENOSPC, "No space left on device", "/run/file")) == ""
