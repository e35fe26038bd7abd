"""What ended a command in a transient unit, as systemd logged it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import unit_end

SINCE = 100.0
REMEDY = "Give it more."
DMESG = "The kernel does that when memory runs out; 'journalctl --dmesg --grep=oom-kill' shows it then."
# What systemd 252 and 257 logged: a lack of memory that systemd has seen, one that it has not, and others.
OOM = [
    {"MESSAGE_ID": "d989611b15e44c9dbf31e3c81256e4ed"},
    {"EXIT_CODE": "killed", "EXIT_STATUS": "9"},
    {"UNIT_RESULT": "oom-kill"},
]
OF_A_CHILD = [{"MESSAGE_ID": "fe6faa94e7774663a0da52717891d8ef"}, {"EXIT_CODE": "exited", "EXIT_STATUS": "1"}]
KILLED = [{"EXIT_CODE": "killed", "EXIT_STATUS": "9"}, {"UNIT_RESULT": "signal"}]
DUMPED = [{"EXIT_CODE": "dumped", "EXIT_STATUS": "11"}, {"UNIT_RESULT": "core-dump"}]
LATE = [{"UNIT_RESULT": "timeout"}]
FAILED = [{"EXIT_CODE": "exited", "EXIT_STATUS": "3"}, {"UNIT_RESULT": "exit-code"}]


def host(entries, at=SINCE + 1):
    stamped = [{"__MONOTONIC_TIMESTAMP": str(int(at * 1e6)), **entry} for entry in entries]
    text = "\n".join(["", "no JSON", "[]", *map(json.dumps, stamped)])

    def run(argv, **_options):
        return (0, "", "") if "--sync" in argv or "UNIT=shop-build.service" not in argv else (0, text, "")

    return run


@pytest.mark.parametrize(
    ("code", "entries", "expected"),
    [
        (0, OOM, ""),
        (3, FAILED, ""),
        (1, OOM, f"It was killed for lack of memory (oom-kill). {REMEDY}"),
        (1, OOM[-1:], f"It was killed for lack of memory (oom-kill). {REMEDY}"),
        (1, OF_A_CHILD, f"It was killed for lack of memory (oom-kill). {REMEDY}"),
        (255, KILLED, f"SIGKILL ended it. {DMESG} {REMEDY}"),
        # The shell that runs the steps saw its command end.
        (137, FAILED, f"SIGKILL ended it. {DMESG} {REMEDY}"),
        (137, [], f"SIGKILL ended it. {DMESG} {REMEDY}"),
        (255, DUMPED, "SIGSEGV ended it."),
        # _app/time_limit.py explains it.
        (1, LATE, ""),
        (-9, [], f"systemd-run, which waited for the command: SIGKILL ended it. {DMESG}"),
        (-15, [], "systemd-run, which waited for the command: SIGTERM ended it."),
    ],
)
def test_what_ended_the_command(code, entries, expected):
    assert unit_end.explain(host(entries), "shop-build.service", code, SINCE, REMEDY) == expected


def test_an_earlier_command_of_the_same_unit_does_not_count():
    assert unit_end.explain(host(OOM, SINCE - 1), "shop-build.service", 1, SINCE, REMEDY) == ""


@pytest.mark.parametrize(
    ("code", "expected"), [(0, ""), (1, ""), (-11, "SIGSEGV ended it."), (-99, "Signal 99 ended it.")]
)
def test_the_signal_that_ended_a_process(code, expected):
    assert unit_end.explain_signal(code) == expected
