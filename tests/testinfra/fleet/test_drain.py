"""A web host that is drained: no visitor notices, its work stops, and it serves again when it is brought back."""

import subprocess
import threading
from contextlib import contextmanager

import pytest
from helpers.direct import driver as driver_of
from helpers.hosts import eventually
from helpers.module import call
from helpers.play import REPOSITORY, Play, run_play
from members import APP, beats, seconds_between
from visits import failed, nodes, visitors

DRAIN, REBOOT, STATUS = (REPOSITORY / f"playbooks/{name}.yml" for name in ("drain", "reboot", "status"))
WEB1, WEB2 = "gatehouse-fleet-web1", "gatehouse-fleet-web2"
CONTAINER = "stat -c %Z /proc/1"


def watches(web_hosts):
    """Whether the process that runs on all hosts runs on each."""
    return [one.service("shop-watch").is_running for one in web_hosts.values()]


@contextmanager
def restarted():
    """What a machine does itself: hosts that have shut down start again. Yields those that did."""
    found, stop = [], threading.Event()

    def watch():
        while not stop.wait(0.5):
            for name in (WEB1, WEB2):
                state = ["podman", "inspect", "--format={{.State.Status}}", name]
                if subprocess.run(state, check=True, capture_output=True, text=True).stdout.strip() == "exited":
                    subprocess.run(["podman", "start", name], check=True, capture_output=True)
                    found.append(name)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


@pytest.fixture(scope="module")
def pair(web_hosts):
    """The host that is drained, because it runs what runs on one host, and the other one."""
    return sorted(web_hosts, key=lambda name: not web_hosts[name].service("shop-beat").is_running)


def works(web_hosts, pair):
    """Whether the process that runs on all hosts, and the one that runs on one, run on each of the pair."""
    return [[web_hosts[name].service(f"shop-{unit}").is_running for name in pair] for unit in ("watch", "beat")]


def test_no_request_fails_while_a_host_is_drained(host, address, web_hosts, pair):
    first, other = pair
    with visitors(address) as answers:
        output = run_play(DRAIN, host, hosts=[first])
        assert nodes(address) == {other}
    assert failed(answers) == []
    assert "still running" not in output
    assert works(web_hosts, pair) == [[False, True], [False, True]]
    # It never ran twice.
    assert 0 < seconds_between(web_hosts, first, other) < 120
    found = call(web_hosts[first], "django_doctor", apps=[APP])
    assert [one["cause"] for one in found["findings"] if "shop-" in one["cause"]] == []
    assert call(web_hosts[first], "django_status", details=False)["drained"]["once"] == [APP]


def test_a_host_is_brought_back(host, address, web_hosts, pair):
    with visitors(address) as answers:
        run_play(DRAIN, host, hosts=[pair[0]], back=True)
        eventually(lambda: nodes(address), until=lambda found: found == {WEB1, WEB2})
    assert failed(answers) == []
    # What runs on one host stays where it is.
    assert works(web_hosts, pair) == [[True, True], [False, True]]


@pytest.fixture
def drained(host, web_hosts):
    run_play(DRAIN, host, hosts=[WEB2])
    yield
    run_play(DRAIN, host, hosts=[WEB2], back=True)


@pytest.mark.long
def test_a_drained_host_stays_drained(host, address, web_hosts, drained):
    """The second run and the ordinary play change nothing, and neither does a look."""
    assert run_play(DRAIN, host, hosts=[WEB2]).count("changed=0") == 1
    looked = Play(DRAIN, host, hosts=[WEB2], check=True, back=True).finish()
    assert (looked.code, looked.output.count("changed=2")) == (0, 1), looked.output
    output = run_play(REPOSITORY / "playbooks/site.yml", host, hosts=["all"])
    assert f"{WEB2}: drained since" in output
    assert watches(web_hosts) == [True, False]
    assert f"{WEB2}: drained since" in run_play(STATUS, host, hosts=["all"])
    assert nodes(address) == {WEB1}


@pytest.mark.long
@pytest.mark.parametrize(
    ("hosts", "reason"), [([WEB1], "would be served by no host"), ([WEB1, WEB2], "would be served by no host")]
)
def test_the_last_host_is_not_drained(host, address, drained, hosts, reason):
    played = Play(DRAIN, host, hosts=hosts).finish()
    assert (played.code, reason in played.refusal) == (2, True), played.output
    assert nodes(address) == {WEB1}


@pytest.mark.long
def test_a_server_stays_drained_when_its_site_is_published_again(host):
    driver = driver_of(host.backend.name)
    site = {
        "name": "drained",
        "listen": ["8092"],
        "server_name": ["drained.example.test"],
        # nginx itself listens there.
        "upstreams": {"web": ["127.0.0.1:80", "127.0.0.2:80"]},
        "locations": [{"path": "/", "proxy_pass": "http://web"}],
    }
    conf = "/etc/nginx/gatehouse/live/sites/drained.conf"
    driver.publish(site)
    try:
        assert call(host, "nginx_drain", servers=["127.0.0.2:80"])["drained"] == ["127.0.0.2:80"]
        driver.publish(site | {"client_max_body_size": "3m"})
        assert "127.0.0.2:80 max_fails=1 fail_timeout=10s down;" in host.file(conf).content_string
        refused = driver.publish(site | {"upstreams": {"web": ["127.0.0.2:80"]}})
        assert "site 'drained': all its hosts are drained" in refused["msg"]
        assert call(host, "nginx_drain", servers=["127.0.0.2:80"], state="served")["drained"] == []
    finally:
        driver.publish({"name": "drained", "state": "absent"})


@pytest.mark.long
def test_nothing_changes_if_a_balancer_cannot_be_reached(host, address, web_hosts):
    subprocess.run(["podman", "pause", host.backend.name], check=True, capture_output=True)
    try:
        played = Play(DRAIN, host, hosts=[WEB1]).finish()
    finally:
        subprocess.run(["podman", "unpause", host.backend.name], check=True, capture_output=True)
    assert played.code == 2
    assert played.refusal.startswith(f"{host.backend.name}: "), played.output
    assert watches(web_hosts) == [True, True]
    assert nodes(address) == {WEB1, WEB2}


@pytest.mark.long
def test_all_web_hosts_are_rebooted_and_no_request_fails(host, address, web_hosts):
    with restarted() as found, visitors(address) as answers:
        run_play(REBOOT, host, hosts=["all"], boot_time_command=CONTAINER)
    assert found == [WEB1, WEB2]
    assert failed(answers) == []
    assert nodes(address) == {WEB1, WEB2}
    assert watches(web_hosts) == [True, True]
    assert beats(web_hosts).count(True) == 1
