"""The role valkey without an app: on the scenario's hosts, and on one with Debian 13 that has Redis already."""

import json
import subprocess
from pathlib import Path

import pytest
import testinfra
from helpers.hosts import eventually
from helpers.play import Play
from test_valkey import ask, program

pytestmark = pytest.mark.long
VALKEY = Path(__file__).parent / "valkey.yml"
CACHE, BROKER = "/run/valkey-lab-cache/valkey.sock", "/run/valkey-lab-broker/valkey.sock"
INSTANCES = [
    {"name": "lab-cache", "kind": "cache", "group": "www-data", "memory": "16M"},
    {"name": "lab-broker", "kind": "broker", "group": "www-data", "memory": "16M"},
]
GONE = [{**one, "state": "absent"} for one in INSTANCES]
WITH_REDIS = "gatehouse-data-redis"
START = ["sh", "-c", "mount --make-rshared / && exec /sbin/init"]


def run(host, instances, **options):
    return Play(VALKEY, host, lab_instances=instances, **options).finish()


def work(host, engine):
    """Have the instances work, as members of their group and others see them, with this program."""
    for kind, path in (("cache", CACHE), ("broker", BROKER)):
        unit = f"{engine}-server@lab-{kind}.service"
        assert host.check_output("systemctl is-active %s && systemctl is-enabled %s", unit, unit) == "active\nenabled"
        pid = host.check_output("systemctl show --property=MainPID --value %s", unit)
        assert host.check_output("cat /proc/%s/comm", pid) == f"{engine}-server"
        assert ask(host, path, "SET", "seen", "1", user="www-data") == "+OK"
        assert ask(host, path, "PING", user="nobody") == "PermissionError"


def test_instances_are_made_and_removed(host):
    before = host.check_output("systemctl list-units --plain --no-legend '*-server@*'")
    checked = run(host, INSTANCES, check=True)
    assert checked.code == 0, checked.output
    assert "changed=0" not in checked.output
    assert not host.file("/run/valkey-lab-cache").exists
    first, second = run(host, INSTANCES), run(host, INSTANCES)
    assert (first.code, second.code) == (0, 0), first.output + second.output
    assert "changed=0" in second.output
    work(host, program(host))
    refused = run(host, GONE)
    assert "lab-broker: would delete /var/lib/private/valkey-lab-broker" in refused.refusal
    assert ask(host, BROKER, "GET", "seen", user="www-data") == "1"
    gone = run(host, GONE, lab_confirm="lab-broker")
    assert gone.code == 0, gone.output
    assert host.check_output("find /etc /var/lib /run -name '*lab-cache*' -o -name '*lab-broker*'") == ""
    assert host.check_output("systemctl list-units --plain --no-legend '*-server@*'") == before


def podman(*words):
    return subprocess.run(["podman", *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def with_redis(tmp_path):
    """A new host, with Debian's Redis server, which others use."""
    image = "localhost/gatehouse-lab:trixie"
    podman("rm", "--force", "--time=0", WITH_REDIS)
    podman(
        "run",
        "--detach",
        f"--name={WITH_REDIS}",
        f"--hostname={WITH_REDIS}",
        "--privileged",
        "--systemd=always",
        image,
        *START,
    )
    try:
        host = testinfra.get_host(f"podman://{WITH_REDIS}")
        eventually(lambda: host.run("systemctl is-system-running").stdout.strip() in ("running", "degraded"))
        host.check_output("apt-get update && apt-get install --yes --no-install-recommends redis-server redis-tools")
        variables = {"ansible_connection": "containers.podman.podman", "ansible_user": "root"}
        (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": {WITH_REDIS: variables}}}))
        host.inventory = tmp_path / "hosts.json"
        yield host
    finally:
        podman("rm", "--force", "--time=0", WITH_REDIS)


def test_a_host_with_debian_13_that_has_redis_uses_it(with_redis):
    host = with_redis
    main = host.check_output("systemctl show --property=MainPID --value redis-server")
    host.check_output("redis-cli set kept yes")
    first, second = (run(host, INSTANCES, inventory_at=host.inventory) for _time in range(2))
    assert (first.code, second.code) == (0, 0), first.output + second.output
    assert "changed=0" in second.output
    work(host, "redis")
    assert host.run("dpkg --status valkey-server").rc != 0
    # The one that was there.
    assert host.check_output("systemctl show --property=MainPID --value redis-server") == main
    assert host.check_output("redis-cli get kept") == "yes"
    assert host.check_output("systemctl is-enabled redis-server") == "enabled"
