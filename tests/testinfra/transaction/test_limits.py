"""nginx gets the connections and the queues that the host can give, and the run names what it cannot give."""

import pytest
from helpers.direct import driver as driver_of
from helpers.sites import extra as site
from helpers.states import START, file_of_another_owner

# Beside `server` of the operator, in the nginx.conf that Gatehouse manages.
CONF_D = "/etc/nginx/conf.d/operator.conf"


WITHOUT = ("setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource")
DROP_IN = "/run/systemd/system/nginx.service.d/small.conf"


@pytest.fixture
def small(host, driver, undo, configure):
    """A host that gives nginx 2,000 files, and lets no process raise that."""
    undo(f"rm -r $(dirname {DROP_IN}); systemctl daemon-reload; {START}")
    driver.shell(f"mkdir -p $(dirname {DROP_IN}); printf '[Service]\nLimitNOFILE=2000\n' >{DROP_IN}")
    driver.shell(f"systemctl daemon-reload; {START}")
    return driver_of(host.backend.name, WITHOUT)


@pytest.fixture
def configure(driver):
    """The role's call, which must succeed; afterwards nginx.conf is the default one again."""

    def configure(**settings):
        done = driver.publish(nginx_conf={"manage": "always"} | settings)
        assert not done["failed"], done["msg"]
        return done

    yield configure
    configure()


def worker_files(driver):
    """The soft and the hard limit of each worker."""
    lines = driver.shell("for pid in $(pgrep -f '^nginx: worker'); do grep 'open files' /proc/$pid/limits; done")
    return {tuple(map(int, line.split()[3:5])) for line in lines.splitlines()}


def queues(driver, port):
    """The lengths of the queues of nginx's sockets, as the kernel has them, by address."""
    lines = [line.split() for line in driver.shell(f"ss -Hltn sport = :{port}").splitlines()]
    return {line[3]: int(line[2]) for line in lines}


def directive(driver, name):
    return int(driver.shell(f"grep -oP '^ *{name} \\K[0-9]+' /etc/nginx/gatehouse/live/nginx.conf"))


def test_workers_have_the_files_that_nginx_conf_promises(driver, configure):
    configure()
    promised = directive(driver, "worker_rlimit_nofile")
    assert promised <= driver.info()["open_files"]
    assert worker_files(driver) == {(promised, promised)}
    assert directive(driver, "worker_connections") == min(8192, promised // 4)


def test_more_connections_than_fit_are_lowered_and_named_each_time(driver, small):
    settings = {"manage": "always", "worker_connections": 1000}
    runs = [small.publish(nginx_conf=settings, check=check) for check in (True, False, False)]
    said = "worker_connections 1000 does not fit into the 2000 files"
    assert [said in " ".join(run["warnings"]) for run in runs] == [True, True, True]
    assert [run["changed"] for run in runs] == [True, True, False]
    assert directive(driver, "worker_connections") == 500
    assert worker_files(driver) == {(2000, 2000)}


def test_a_host_that_gives_few_files_is_named(driver, small):
    said = small.publish(nginx_conf={"manage": "always"})["warnings"]
    assert "each of its workers gets 500 connections" in " ".join(said)


def test_connections_wait_in_a_long_queue(driver, configure):
    """Also those of sockets that were there before: nginx changes their queue in a reload."""
    configure()
    longest = driver.info()["somaxconn"]
    full = dict.fromkeys(["0.0.0.0:80", "[::]:80"], min(4096, longest))
    assert queues(driver, 80) == full
    with file_of_another_owner(driver, "server { listen 80 backlog=100; server_name a.example.test; }", CONF_D):
        assert not driver.publish(site())["failed"]
        assert queues(driver, 80) == full | {"0.0.0.0:80": 100}
    assert not driver.publish(site("changed"))["failed"]
    assert queues(driver, 80) == full


def test_a_server_of_the_operator_may_have_an_address_of_its_own(driver, configure, address):
    configure()
    with file_of_another_owner(driver, f"server {{ listen {address}:80; server_name a.example.test; }}", CONF_D):
        assert not driver.publish(site())["failed"]
        assert set(queues(driver, 80)) == {"0.0.0.0:80", "[::]:80"}
