"""nginx's sandbox: what it denies, and that nginx works inside it."""

import re
from pathlib import Path

import pytest
from helpers.hosts import eventually
from helpers.play import run_play

HERE = Path(__file__).parent
DROP_IN = "/etc/systemd/system/nginx.service.d/gatehouse-sandbox.conf"
ERRORS = "/var/log/nginx/error.log"
# capabilities(7)
CAP_SYS_RESOURCE = 24
NEVER = {"CAP_NET_ADMIN": 12, "CAP_SYS_MODULE": 16, "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21}


def master(host):
    return host.check_output("systemctl show -P MainPID nginx.service")


def workers(host):
    return set(host.check_output("pgrep --parent %s", master(host)).split())


def status(host, pid):
    lines = host.file(f"/proc/{pid}/status").content_string.splitlines()
    return {key: value.strip() for key, _colon, value in (line.partition(":") for line in lines)}


def may(host, pid, capability):
    return bool(int(status(host, pid)["CapEff"], 16) >> capability & 1)


@pytest.fixture
def quiet(host):
    """What nginx complains of meanwhile."""
    before = host.file(ERRORS).content_string
    yield
    said = host.file(ERRORS).content_string.removeprefix(before)
    said = [line for line in said.splitlines() if re.search(r"\[(emerg|alert|crit)\]", line)]
    assert said == []


def test_systemd_rates_the_sandbox_as_safe(host):
    analysed = host.run("systemd-analyze security --no-pager --threshold=30 nginx.service")
    assert analysed.rc == 0, analysed.stdout


def test_the_running_nginx_is_sandboxed(host):
    shown = status(host, master(host))
    assert (shown["NoNewPrivs"], shown["Seccomp"]) == ("1", "2")
    assert [name for name, bit in NEVER.items() if may(host, master(host), bit)] == []
    for worker in workers(host):
        assert int(status(host, worker)["CapEff"], 16) == 0


@pytest.mark.parametrize("place", ["/etc", "/usr", "/root", "/home", "/sys/fs/cgroup", "/proc/sys/kernel"])
def test_the_master_cannot_write_outside_its_directories(host, place):
    assert host.run(f"nsenter --target {master(host)} --mount touch {place}/probe").rc != 0


def test_nginx_sees_no_processes_of_others(host):
    worker = workers(host).pop()
    as_worker = f"nsenter --target {worker} --mount setpriv --reuid www-data --regid www-data --clear-groups"
    assert host.run(f"{as_worker} test -e /proc/1").rc != 0
    assert host.run(f"{as_worker} test -e /proc/{worker}").rc == 0


def test_an_applications_socket_may_be_in_tmp(host):
    host.check_output("touch /tmp/probe")
    assert host.run(f"nsenter --target {master(host)} --mount rm /tmp/probe").rc == 0


def test_workers_get_the_descriptors_that_are_configured(host):
    wanted = host.check_output("grep -ho 'worker_rlimit_nofile [0-9]*' /etc/nginx/gatehouse/live/nginx.conf").split()[1]
    for worker in workers(host):
        lines = host.file(f"/proc/{worker}/limits").content_string.splitlines()
        (limits,) = [line.split()[3:5] for line in lines if line.startswith("Max open files")]
        assert limits == [wanted, wanted]
    assert may(host, master(host), CAP_SYS_RESOURCE) == may(host, 1, CAP_SYS_RESOURCE)


def test_the_role_restores_a_changed_drop_in(host, own_play):
    before = host.file(DROP_IN).content_string
    host.check_output("echo '# of the operator' >>%s && chmod 600 %s", DROP_IN, DROP_IN)
    host.check_output("chmod 700 %s", str(Path(DROP_IN).parent))
    run_play(HERE / "sandbox.yml", host)
    assert host.file(DROP_IN).content_string == before
    assert [host.file(path).mode for path in (DROP_IN, str(Path(DROP_IN).parent))] == [0o644, 0o755]


def test_an_unchanged_nginx_takes_five_module_calls(host, own_play):
    """One for the files, apt, two of nginx_config, and one for the service: each costs about half a second a host."""
    printed = run_play(HERE / "sandbox.yml", host)
    assert "changed=0" in printed
    assert len(re.findall(r"^Using module file", printed, re.MULTILINE)) == 5


def test_nginx_reloads_in_the_sandbox(host, guestbook, quiet):
    before = master(host), workers(host)
    host.check_output("systemctl reload nginx.service")
    eventually(lambda: workers(host).isdisjoint(before[1]))
    assert master(host) == before[0]
    assert guestbook.get("/").status == 200


def test_logrotate_works_with_the_sandbox(host, guestbook, mark, logged, quiet):
    log = "/var/log/nginx/guestbook.access.log"
    before = host.check_output("stat -c %%i %s", log)
    host.check_output("logrotate --force /etc/logrotate.d/nginx")
    assert host.check_output("stat -c %%i %s.1", log) == before
    eventually(lambda: not host.run("find /proc/[0-9]*/fd -lname %s", f"{log}.1").stdout)
    assert guestbook.get(f"/?{mark}").status == 200
    assert logged(mark)["status"] == 200
    assert host.file(log).user == "www-data"


def test_nginx_stops_and_starts_in_the_sandbox(host, guestbook, quiet):
    """systemd would end it with SIGKILL after ten seconds."""
    host.check_output("systemctl stop nginx.service")
    assert host.check_output("systemctl show -P Result nginx.service") == "success"
    host.check_output("systemctl start nginx.service")
    assert guestbook.get("/").status == 200


def test_nginx_upgrades_its_binary_in_the_sandbox(host, guestbook, quiet):
    """As Debian's package does it when it is upgraded."""
    before = master(host)
    host.check_output("/etc/init.d/nginx upgrade")
    eventually(lambda: master(host) not in (before, "0"))
    assert host.service("nginx").is_running
    assert guestbook.get("/").status == 200
    assert status(host, master(host))["NoNewPrivs"] == "1"
    host.check_output("systemctl reload nginx.service")


@pytest.fixture
def own_play():
    """Marks a test that plays the role: in the short form it runs on one host (conftest.py)."""


@pytest.fixture
def log_in_a_home(host, own_play):
    """A file of the operator's that works outside of the sandbox only."""
    path = "/etc/nginx/conf.d/home.conf"
    host.check_output("rm %s && echo 'access_log /home/visits.log;' >%s", DROP_IN, path)
    yield "/home/visits.log"
    host.check_output("rm --force %s /home/visits.log", path)
    run_play(HERE / "sandbox.yml", host)
    assert host.file(DROP_IN).exists


def test_nginx_stays_unsandboxed_if_its_configuration_does_not_fit(host, log_in_a_home):
    printed = run_play(HERE / "sandbox.yml", host)
    assert "nginx was not sandboxed" in printed
    assert f'open() "{log_in_a_home}" failed (30: Read-only file system)' in printed.replace("\\", "")
    assert not host.file(DROP_IN).exists
    assert host.service("nginx").is_running
