"""Errors that the sandbox causes are translated. The messages are those of Debian 13 with the app's sandbox."""

from __future__ import annotations

import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.sandbox_errors import (
    MAX_SENTENCES,
    explain,
    explain_build,
)

APP = App("shop")
RELEASE = "/srv/shop/releases/a-1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            f"OSError: [Errno 30] Read-only file system: '{RELEASE}/src/cache'",
            [f"'{RELEASE}/src/cache'", "ProtectSystem=strict", "/srv/shop/data", "GATEHOUSE_DATA_DIR"],
        ),
        (
            f"PermissionError: [Errno 13] Permission denied: '{RELEASE}/src/shop/app.log'",
            ["app.log'", "a release is read-only", "list the directory in writable"],
        ),
        ("OSError: [Errno 30] Read-only file system: 'a.txt'", ["'/srv/shop/current/project/a.txt'", "a release is"]),
        (
            "OSError: [Errno 30] Read-only file system: 'web/uploads/a.txt'",
            ["'/srv/shop/current/project/web/uploads/a.txt'", "or write writable: [web/uploads], which links"],
        ),
        (f"touch: cannot touch '{RELEASE}/src/x': Read-only file system", [f"'{RELEASE}/src/x'", "a release is"]),
        (
            "OSError: [Errno 30] Read-only file system: '/var/log/shop/app.log'",
            ["'/var/log/shop/app.log'", "Log to standard error"],
        ),
        (
            "OSError: [Errno 30] Read-only file system: '/mnt/exports/a.csv'",
            ["'/mnt/exports/a.csv'", "sandbox: {ReadWritePaths: /mnt/exports}", "the user shop"],
        ),
        ("touch: cannot touch 'a.txt': Read-only file system", ["'/srv/shop/current/project/a.txt'", "a release is"]),
        ("OSError: [Errno 30] Read-only file system", ["to write a file", "/srv/shop/data", "Change the project's"]),
        ("/bin/sh: 1: cannot create /opt/y: Read-only file system", ["'/opt/y'", "so that it writes there"]),
        ("PermissionError: [Errno 13] Permission denied: '/home/x/.cache'", ["ProtectHome", "read-only"]),
        ("sqlite3.OperationalError: unable to open database file", ["SQLite", "/srv/shop/data"]),
        (
            "    mmap.mmap(-1, 4096, prot=7)\n    ~~~^^\nPermissionError: [Errno 13] Permission denied",
            ["sandbox: {MemoryDenyWriteExecute: false}"],
        ),
        ("MemoryError: Cannot allocate write+execute memory for ffi.callback()", ["MemoryDenyWriteExecute: false"]),
        (
            "ImportError: libx.so: failed to map segment from shared object: Operation not permitted",
            ["MemoryDenyWriteExecute: false"],
        ),
        (
            "    os.sched_setaffinity(0, {0})\nPermissionError: [Errno 1] Operation not permitted",
            ['sandbox: {SystemCallFilter: "@system-service"}'],
        ),
        (
            "    os.chown(path, 1, 1)\nPermissionError: [Errno 1] Operation not permitted: '/srv/shop/data/f'",
            ["'/srv/shop/data/f'", "SystemCallFilter"],
        ),
        ("    os.unshare(1)\nPermissionError: [Errno 1] Operation not permitted", ["RestrictNamespaces: false"]),
        ("    call()\nPermissionError: [Errno 1] Operation not permitted", ["a system call", "The option sandbox"]),
        ("OSError: [Errno 97] Address family not supported by protocol", ["RestrictAddressFamilies", "AF_NETLINK"]),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/proc/meminfo'", ["{ProcSubset: all}"]),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/dev/kvm'", ["{PrivateDevices: false}"]),
    ],
)
def test_what_was_refused_by_what_and_what_to_write(text, words):
    said = explain(f"Traceback (most recent call last):\n{text}\n", APP)
    assert said.count("\n") == 0
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    "text",
    [
        "PermissionError: [Errno 13] Permission denied: '/etc/shadow'",
        "FileNotFoundError: [Errno 2] No such file or directory: 'shop.cfg'",
        "ValueError: no",
        "",
    ],
)
def test_other_errors_are_not_explained(text):
    assert explain(text, APP) == ""


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/etc/shop.conf",
            "/usr/lib/x",
            "/proc/sys/vm/x",
            "/sys/x",
            "/run/x",
            "/var/lib/shop/x",
            "/x",
            "/mnt/../etc/x",
        ),
        *(
            "/srv/blog/data/x",
            "/srv/shop-two/x",
            "../../../../etc/x",
            "/opt/gatehouse/x",
            "/mnt/a b/x",
            "/mnt/{a: b}/x",
        ),
    ],
)
def test_no_system_path_and_no_directory_of_another_app_shall_be_made_writable(path):
    said = explain(f"OSError: [Errno 30] Read-only file system: '{path}'", APP)
    assert "Change the project's setting for this path, so that it writes there." in said
    assert "/srv/shop/data" in said
    assert "ReadWritePaths" not in said
    assert "writable" not in said


@pytest.mark.parametrize(
    "path",
    [
        *("/srv/shop/releases/a-1/venv/lib/python3.13/site-packages/x/cache", "/srv/shop/venvs/abc/lib/x"),
        *("/srv/shop/current/static/x", "x", "a: [b]/x"),
    ],
)
def test_what_cannot_be_linked_is_not_proposed_for_writable(path):
    said = explain(f"OSError: [Errno 30] Read-only file system: '{path}'", APP)
    assert "a release is read-only" in said
    assert "writable" not in said


def test_each_error_once_and_not_too_many():
    line = "OSError: [Errno 30] Read-only file system: '/var/{}/x'\n"
    assert explain(line.format(1) * 5, APP).count("\n") == 0
    said = explain("".join(line.format(number) for number in range(9)), APP)
    assert said.count("\n") == MAX_SENTENCES - 1
    assert "/var/8/x" in said


def test_a_path_is_harmless_and_a_long_line_takes_no_time():
    assert "\\x1b" in explain("OSError: [Errno 30] Read-only file system: '/var/\x1b[2J'", APP)
    started = time.monotonic()
    explain("/" * 1_000_000 + "\n" + "[Errno 30] Read-only file system: '" * 500_000, APP)
    assert time.monotonic() - started < 3


def test_a_build_has_another_sandbox():
    said = explain_build("npm error\nError: EROFS: x\ncp: cannot create '/opt/x': Read-only file system\n", APP)
    assert "refused to write '/opt/x'" in said
    assert "/srv/shop/cache, which is HOME" in said
    assert explain_build("no such file", APP) == ""
