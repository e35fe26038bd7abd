"""Connections fit into the open files of the host, and what does not fit is named with its limit and a remedy."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.worker_limits import (
    WorkerLimits,
    warnings,
    worker_limits,
)

NR_OPEN = 1073741816


def limits(asked, open_files):
    return worker_limits({"worker_connections": asked}, EXPECTED | {"open_files": open_files})


def said(asked, open_files, somaxconn=4096):
    host = EXPECTED | {"open_files": open_files, "somaxconn": somaxconn}
    return " ".join(warnings({"worker_connections": asked}, host))


@pytest.mark.parametrize(
    ("asked", "open_files", "expected"),
    [
        (None, 524288, WorkerLimits(8192, 524288)),
        (None, NR_OPEN, WorkerLimits(8192, 524288)),
        (None, 20000, WorkerLimits(5000, 20000)),
        (None, 1024, WorkerLimits(256, 1024)),
        (None, 20, WorkerLimits(16, 20)),
        (4096, 20000, WorkerLimits(4096, 20000)),
        (6000, 20000, WorkerLimits(5000, 20000)),
        (1_000_000, NR_OPEN, WorkerLimits(1_000_000, 4_000_000)),
    ],
)
def test_connections_fit_into_the_open_files(asked, open_files, expected):
    assert limits(asked, open_files) == expected


@pytest.mark.parametrize(("asked", "open_files"), [(None, 32768), (None, NR_OPEN), (5000, 20000), (300, 2000)])
def test_nothing_is_said_where_it_fits(asked, open_files):
    assert said(asked, open_files) == ""


def test_a_number_that_does_not_fit_is_named_with_the_limit_and_the_remedy():
    text = said(6000, 20000)
    assert "worker_connections 6000 does not fit into the 20000 files" in text
    assert "each worker gets 5000 connections" in text
    assert "set worker_connections to 5000 or less" in text


def test_a_host_that_gives_few_is_named_without_the_option():
    text = said(None, 1024)
    assert (
        "only 1024 files open on this host, so each of its workers gets 256 connections instead of 8192, and a" in text
    )
    assert "slow clients" in text


@pytest.mark.parametrize("open_files", [8192, 20000, 32767])
def test_a_host_that_gives_less_than_the_default_is_named_without_the_option(open_files):
    text = said(None, open_files)
    assert f"each of its workers gets {open_files // 4} connections instead of 8192. Raise the limit" in text
    assert f"or set worker_connections to {open_files // 4} or less to accept that" in text


def test_a_short_queue_of_the_kernel_is_named():
    assert "net.core.somaxconn is 128 on this host" in said(None, NR_OPEN, somaxconn=128)


def test_nothing_is_said_without_settings():
    assert warnings(None, EXPECTED | {"open_files": 16}) == []
