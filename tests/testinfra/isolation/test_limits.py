"""An app cannot use more of the host than its limits, and the other app is served."""

import re

import pytest
from helpers.hosts import eventually, unit

GIB = 2**30
EVIL = {"MemoryMax": GIB, "MemorySwapMax": GIB, "CPUWeight": 50, "TasksMax": 300}
DEFAULT = {"CPUWeight": 100, "TasksMax": 2048}
FILES = {"MemoryMax": "memory.max", "CPUWeight": "cpu.weight", "TasksMax": "pids.max"}
# As many processes as there may be.
FORK = """
import os, signal
children = []
try:
    while len(children) < 3000:
        child = os.fork()
        if not child:
            signal.pause()
        children.append(child)
except OSError as error:
    print(len(children), error.strerror, flush=True)
signal.pause()
"""
FILL = "print(open('/dev/shm/big', 'wb').write(bytes(80 << 20)))"
SHARE = """
import multiprocessing, multiprocessing.shared_memory
memory = multiprocessing.shared_memory.SharedMemory(create=True, size=1 << 20)
lock = multiprocessing.Lock()
with multiprocessing.get_context('fork').Pool(2) as pool:
    print(sum(pool.map(abs, [-1, -2])))
memory.unlink()
"""


@pytest.fixture
def ask(host):
    """The status of the victim's answer, where nginx would ask, and the seconds that it took."""

    def answer():
        socket = "--unix-socket /srv/victim/current/web.sock http://victim.example.test/"
        said = host.check_output(f"curl -s -o /dev/null -w '%{{http_code}} %{{time_total}}' --max-time 90 {socket}")
        return said.split()[0], float(said.split()[1])

    return answer


def shown(host, name, names):
    lines = host.check_output(f"systemctl show {' '.join(f'-p {each}' for each in names)} %s", name).splitlines()
    return dict(line.split("=", 1) for line in lines)


def memory(host):
    return int(host.check_output("grep MemTotal /proc/meminfo").split()[1]) * 1024


@pytest.mark.parametrize("app", ["evil", "victim"])
def test_the_limits_are_those_of_the_slice(host, app):
    wanted = EVIL if app == "evil" else DEFAULT
    found = shown(host, f"gatehouse-{app}.slice", [*EVIL, "ControlGroup"])
    assert {name: found[name] for name in wanted} == {name: str(value) for name, value in wanted.items()}
    if app == "victim":
        for name in ("MemoryMax", "MemorySwapMax"):
            assert int(found[name]) == pytest.approx(memory(host) * 0.75, rel=0.001)
    # The kernel holds each that it has a controller for.
    place = f"/sys/fs/cgroup{found['ControlGroup']}"
    controllers = host.check_output("cat %s", f"{place}/cgroup.controllers").split()
    for name, file in FILES.items():
        if file.partition(".")[0] in controllers:
            assert host.check_output("cat %s", f"{place}/{file}") == found[name]


def test_all_that_runs_for_an_app_is_in_its_slice(host):
    for name in (unit(host, "evil", "service"), "evil-words.service"):
        found = shown(host, name, ["ControlGroup", "LimitNOFILE", "LimitNOFILESoft", "LimitNPROC"])
        assert "/gatehouse.slice/gatehouse-evil.slice/evil-" in found.pop("ControlGroup")
        assert found == {"LimitNOFILE": "4096", "LimitNOFILESoft": "4096", "LimitNPROC": "300"}


def test_a_worker_that_is_killed_for_its_memory_is_replaced(host):
    assert shown(host, unit(host, "evil", "service"), ["OOMPolicy"]) == {"OOMPolicy": "continue"}
    assert shown(host, "evil-words.service", ["OOMPolicy"]) == {"OOMPolicy": "stop"}


def test_a_fork_bomb_is_limited_and_other_apps_are_served(host, ask):
    # The shell in the background creates its output file only when it runs.
    host.check_output("rm -f /tmp/bomb; /srv/evil/manage shell -v 0 -c %s < /dev/null > /tmp/bomb 2>&1 & echo", FORK)
    try:
        said = eventually(lambda: host.run("cat /tmp/bomb").stdout, seconds=40).strip()
        status, seconds = ask()
    finally:
        host.check_output("systemctl kill --signal=KILL 'evil-manage-*'")
    number, reason = re.fullmatch(r"(\d+) (.*)", said).groups()
    assert reason == "Resource temporarily unavailable"
    assert 200 < int(number) < 300
    assert (status, seconds < 60) == ("200", True)


def test_each_app_has_its_own_small_shared_memory(host):
    before = host.check_output("ls -A /dev/shm; df --output=used /dev/shm")
    ran = host.run("/srv/evil/manage shell -v 0 -c %s", FILL)
    assert "No space left on device" in ran.stderr
    assert host.check_output("ls -A /dev/shm; df --output=used /dev/shm") == before
    pid = shown(host, unit(host, "evil", "service"), ["MainPID"])["MainPID"]
    options = host.check_output("grep ' /dev/shm ' /proc/%s/mountinfo | tail -1", pid)
    assert "size=65536k" in options
    assert "nosuid,nodev" in options


def test_multiprocessing_works_with_the_small_shared_memory(host):
    assert host.check_output("/srv/evil/manage shell -v 0 -c %s", SHARE) == "3"
