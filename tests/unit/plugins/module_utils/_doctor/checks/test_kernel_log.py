"""Lines that the kernel logs."""

from __future__ import annotations

import json

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.kernel_log import (
    KERNEL,
    OOMD,
    Event,
    killed_units,
    parse,
    recent,
)

UNIT = "/gatehouse.slice/gatehouse-shop.slice/shop-web@1.service"
START = "1764100000.123456 host kernel: "
WHERE = "nodemask=(null),cpuset=/,mems_allowed=0"
LIMIT = "/gatehouse.slice/gatehouse-shop.slice"
IN_SLICE = (
    f"{START}oom-kill:constraint=CONSTRAINT_MEMCG,{WHERE},oom_memcg={LIMIT},task_memcg={UNIT},"
    "task=gunicorn,pid=123,uid=999"
)
WHOLE_HOST = f"{START}oom-kill:constraint=CONSTRAINT_NONE,{WHERE},global_oom,task_memcg={UNIT},task=py,pid=4,uid=9"
FORK = f"{START}cgroup: fork rejected by pids controller in {UNIT}"


def test_a_kill_by_a_limit():
    (event,) = parse(IN_SLICE)
    assert event == Event(1764100000, UNIT, LIMIT, "gunicorn", 123, 999)
    assert event.unit == "shop-web@1.service"


def test_a_kill_because_the_host_has_no_memory():
    (event,) = parse(WHOLE_HOST)
    assert (event.unit, event.limit, event.pid, event.uid) == ("shop-web@1.service", "", 4, 9)


def test_a_refused_process():
    assert list(parse(FORK)) == [Event(1764100000, UNIT, is_fork=True)]


def test_a_process_name_that_looks_like_more_fields():
    """A process can choose any name of 15 bytes."""
    (event,) = parse(IN_SLICE.replace("task=gunicorn", "task=x,pid=1,uid=0"))
    assert (event.name, event.pid, event.uid) == ("x,pid=1,uid=0", 123, 999)


def test_other_lines():
    assert list(parse(f"\nnonsense\n1764100000.1 host app: oom-kill:constraint=x\n{START}usb 1\n")) == []


def test_only_lines_of_the_kernel_are_read():
    asked = []
    assert recent(lambda argv: (asked.append(argv), (0, IN_SLICE, ""))[1])[0].pid == 123
    assert asked[0][0] == "journalctl"
    assert "--dmesg" in asked[0]
    assert {"--since=-1h", "--until=now"} <= set(asked[0])


def test_units_that_systemd_names():
    kernel, oomd = "fe6faa94e7774663a0da52717891d8ef", "d989611b15e44c9dbf31e3c81256e4ed"
    entries = [
        {"__CURSOR": "s=1", "UNIT": "shop-web@1.service", "MESSAGE_ID": kernel},
        {"UNIT": "a.service", "MESSAGE_ID": kernel},
        {"UNIT": "a.service", "MESSAGE_ID": oomd},
        {"UNIT": "b.service", "MESSAGE_ID": "other"},
        {"MESSAGE_ID": oomd},
    ]
    out = "\n".join([*map(json.dumps, entries), "nonsense", "[]"])
    asked = []
    found = killed_units(lambda argv: (asked.append(argv), (0, out, ""))[1])
    assert found == {"shop-web@1.service": KERNEL, "a.service": OOMD}
    # Several values of one field mean any of them. Any process may write UNIT= into the journal, so PID 1 is required.
    assert asked[0][-3:] == [f"MESSAGE_ID={kernel}", f"MESSAGE_ID={oomd}", "_PID=1"]
