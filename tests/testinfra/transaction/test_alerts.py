"""What nginx logs as [alert] or [crit] is said by the run that reloads it, and by the doctor, with its meaning."""

import pytest
from helpers.hosts import eventually
from helpers.sites import extra as site
from helpers.states import START, configuration, nginx_stopped

DROP_IN = "/run/systemd/system/nginx.service.d/alerts.conf"
LOG = "/var/log/nginx/error.log"
# More files than any kernel allows.
TOO_MANY = 2**31 - 1
ASKS_TOO_MUCH = f"""
worker_rlimit_nofile {TOO_MANY};
pid /run/nginx.pid;
error_log {LOG};
events {{}}
http {{
    include /etc/nginx/conf.d/*.conf;
}}
"""
# Begun requests: nginx closes connections without one when it needs them.
CROWD = """
import socket, time
clients = []
try:
    for _number in range(64):
        clients.append(socket.create_connection(("127.0.0.1", 80)))
        clients[-1].sendall(b"GET ")
except OSError:
    pass
time.sleep(0.3)
"""


@pytest.fixture(autouse=True)
def another_nginx(undo):
    """Afterwards nginx is another process, for which these lines do not count."""
    undo(START)


def kill_worker(driver):
    logged = f"grep -c 'exited on signal 9' {LOG} || true"
    before = int(driver.shell(logged))
    driver.shell("kill -9 $(pgrep -of '^nginx: worker')")
    eventually(lambda: int(driver.shell(logged)) > before)


def mentions(answer, words):
    return [text for text in answer["warnings"] if words in text]


def findings(driver, words):
    return [one for one in driver.doctor()["findings"] if words in one["cause"]]


def test_a_worker_that_was_killed_is_reported_once_by_the_run_that_reloads(driver):
    kill_worker(driver)
    kill_worker(driver)
    changed, unchanged = driver.publish(site()), driver.publish(site())
    (said,) = mentions(changed, "exited on signal 9")
    assert "(2 times, last at 20" in said
    assert "a process of nginx crashed or was killed" in said
    assert "journalctl --dmesg" in said
    assert mentions(unchanged, "exited on signal 9") == []


def test_the_doctor_reports_it_first_and_only_until_nginx_is_restarted(driver):
    kill_worker(driver)
    first, *_others = driver.doctor()["findings"]
    assert "exited on signal 9" in first["cause"]
    assert first["site"] == "all sites"
    driver.shell(f"sleep 1.1; {START}")  # the log's times are full seconds
    assert findings(driver, "exited on signal 9") == []


def test_a_limit_that_the_host_does_not_give_is_reported_while_it_lasts(driver):
    with configuration(driver, ASKS_TOO_MUCH):
        (said,) = mentions(driver.publish(site()), f"setrlimit(RLIMIT_NOFILE, {TOO_MANY}) failed")
        assert "they keep a lower limit" in said
        (finding,) = findings(driver, "setrlimit")
        assert "worker_rlimit_nofile" in finding["remedy"]
    assert mentions(driver.publish(site("changed")), "setrlimit") == []
    assert findings(driver, "setrlimit") == []


def test_connections_that_are_used_up_are_reported(driver):
    said = "worker_connections are not enough"
    full = f"grep -F '[alert]' {LOG} | grep -cF ' 16 {said}' || true"
    before = int(driver.shell(full))
    assert not driver.publish(nginx_conf={"manage": "always", "worker_connections": 16})["failed"]
    try:
        eventually(lambda: int(driver.shell(f"timeout 10 python3 -c '{CROWD}'; {full}")) > before)
        (finding,) = findings(driver, said)
        assert "nginx_worker_connections" in finding["remedy"]
    finally:
        assert not driver.publish(nginx_conf={"manage": "always"})["failed"]
    assert findings(driver, said) == []


def test_files_that_are_used_up_are_reported(driver):
    # Without CAP_SYS_RESOURCE, only the same user may set it.
    same = "setpriv --reuid=www-data --regid=www-data --clear-groups"
    driver.shell(f"for one in $(pgrep -f '^nginx: worker'); do {same} prlimit --pid $one --nofile=3: || exit 1; done")
    refused = driver.ask("shell", "curl -s --max-time 2 -H 'Host: shop.example.test' http://127.0.0.1/")
    assert refused["rc"] == 28  # curl(1): timeout
    assert driver.shell(f"grep -F 'accept4() failed (24: Too many open files)' {LOG}")
    # Not by a run that reloads nginx: the message does not count any more if the worker has ended by then.
    (finding,) = findings(driver, "(24: Too many open files)")
    assert "LimitNOFILE=" in finding["remedy"]
    # nginx passes a socket to each old worker in a reload. One without a free file loses that, and goes on.
    driver.shell(f"sleep 1.1; {START}")
    assert mentions(driver.publish(site("changed")), "Too many open files") == []


def test_a_healthy_nginx_has_none(driver):
    driver.shell(f"sleep 1.1; {START}")
    assert mentions(driver.publish(site()), "nginx logged") == []
    assert findings(driver, "nginx logged") == []


def test_without_nginx_there_is_nothing_to_read(driver):
    with nginx_stopped(driver):
        assert findings(driver, "nginx logged") == []
