"""The cache and the broker of the app: who reaches them, what they keep, and what becomes of them."""

from pathlib import Path
from uuid import uuid4

import pytest
from helpers.hosts import eventually
from helpers.module import call
from helpers.play import Play

DEPLOY = Path(__file__).parents[1] / "helpers/deploy.yml"
CACHE, BROKER = "/run/valkey-ledger-cache/valkey.sock", "/run/valkey-ledger-broker/valkey.sock"
DATA = "/var/lib/private/valkey-ledger-broker"
# Sends one command in Valkey's own protocol, and prints the first line of the answer or the error.
ASK = """
import socket, sys
try:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1])
    words = [word.encode() for word in sys.argv[2:]]
    sent = b"".join(b"$%d\\r\\n%s\\r\\n" % (len(word), word) for word in words)
    connection.sendall(b"*%d\\r\\n" % len(words) + sent)
    answer = connection.makefile("rb")
    line = answer.readline().decode().strip()
    print(answer.readline().decode().strip() if line[:1] == "$" and line != "$-1" else line)
except OSError as error:
    print(type(error).__name__)
"""

# Writes as many values of 1 MB, and prints the last answer.
FILL = """
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
answer = connection.makefile("rb")
for number in range(int(sys.argv[2])):
    name = b"filler%d" % number
    connection.sendall(b"*3\\r\\n$3\\r\\nSET\\r\\n$%d\\r\\n%s\\r\\n$1000000\\r\\n" % (len(name), name))
    connection.sendall(b"x" * 1000000 + b"\\r\\n")
    line = answer.readline().decode().strip()
print(line)
"""


def ask(host, path, *words, user="ledger"):
    command = " ".join(["runuser -u %s -- python3 -c %s %s", *("%s" for _word in words)])
    return host.check_output(command, user, ASK, path, *words)


def fill(host, path, megabytes):
    return host.check_output("runuser -u ledger -- python3 -c %s %s %s", FILL, path, str(megabytes))


def program(host):
    """Redis where it was there before, Valkey elsewhere."""
    return "redis" if host.backend.name.endswith("bookworm") else "valkey"


def unit(host, kind):
    return f"{program(host)}-server@ledger-{kind}.service"


def deploy(host, **changes):
    played = Play(DEPLOY, host, lab_app="ledger", lab_changes=changes).finish()
    assert played.code == 0, played.output
    return played.output


def test_the_cache_is_one_for_all_processes_of_the_app(host, ledger):
    text = uuid4().hex
    assert ledger.get(f"/remember/{text}").status == 200
    assert ledger.get("/remembered").json()["text"] == text
    code = "from django.core.cache import cache; print(cache.get('text'))"
    assert host.check_output("/srv/ledger/manage shell -c %s", code).splitlines()[-1] == text


def test_a_task_reaches_the_worker(ledger):
    text = uuid4().hex
    assert ledger.get(f"/send/{text}").status == 200
    eventually(lambda: text in ledger.get("/").json()["entries"], 30)


@pytest.mark.parametrize("path", [CACHE, BROKER])
def test_only_the_app_reaches_its_instances(host, path):
    assert ask(host, path, "PING") == "+PONG"
    others = ("ledger-build", "www-data", "nobody")
    assert {ask(host, path, "PING", user=user) for user in others} == {"PermissionError"}


def test_no_port_is_open(host):
    for kind in ("cache", "broker"):
        pid = host.check_output("systemctl show --value --property=MainPID %s", unit(host, kind))
        # A network of its own: there is not even a loopback that is up.
        assert host.check_output("nsenter --net --target %s ss -Hltun", pid) == ""
        assert host.check_output("readlink /proc/%s/ns/net", pid) != host.check_output("readlink /proc/1/ns/net")


def test_an_instance_has_a_user_of_its_own_and_sees_no_data_of_others(host):
    users = set()
    for kind in ("cache", "broker"):
        pid = host.check_output("systemctl show --value --property=MainPID %s", unit(host, kind))
        users.add(host.check_output("stat -c %%u /proc/%s", pid))
        # The code of all apps, and the other instance's data.
        assert host.run("ls /proc/%s/root/srv/ledger", pid).rc != 0
        as_it = f"setpriv --reuid $(stat -c %u /proc/{pid}) --regid $(stat -c %g /proc/{pid}) --clear-groups"
        assert host.run(f"{as_it} ls {DATA}").rc != 0
    assert len(users) == 2
    assert host.run("runuser -u ledger -- ls %s", DATA).rc != 0


@pytest.mark.parametrize(
    "command",
    ["CONFIG SET maxmemory 1gb", "CONFIG REWRITE", "SAVE", "REPLICAOF 192.0.2.1 6379", "ACL SETUSER me on", "SHUTDOWN"],
)
def test_the_app_cannot_administer_its_instance(host, command):
    assert ask(host, BROKER, *command.split()).startswith("-NOPERM")


def test_the_time_to_stop_is_limited(host):
    for kind in ("cache", "broker"):
        assert host.check_output(f"systemctl show --value --property=TimeoutStopUSec {unit(host, kind)}") == "30s"


@pytest.mark.long
def test_a_script_without_an_end_does_not_keep_the_instance_running(host):
    text = uuid4().hex
    ask(host, BROKER, "SET", "kept", text)
    endless = "runuser -u ledger -- timeout 100 python3 -c %s %s EVAL 'while true do end' 0 >/dev/null 2>&1 &"
    host.check_output(endless, ASK, BROKER)
    host.check_output("timeout 60 systemctl restart %s", unit(host, "broker"))
    assert ask(host, BROKER, "GET", "kept") == text


def test_a_killed_instance_comes_back_and_a_broker_has_its_data(host, ledger):
    text = uuid4().hex
    for path in (CACHE, BROKER):
        assert ask(host, path, "SET", "kept", text) == "+OK"
    for kind in ("cache", "broker"):
        host.check_output("systemctl kill --signal=KILL %s", unit(host, kind))
    eventually(lambda: ask(host, BROKER, "GET", "kept") == text)
    eventually(lambda: ask(host, CACHE, "GET", "kept") == "$-1")
    eventually(lambda: ledger.get(f"/remember/{text}").status == 200)
    assert ledger.get("/remembered").json()["text"] == text


def test_a_full_cache_drops_and_a_full_broker_refuses(host):
    try:
        assert fill(host, BROKER, 90).startswith("-OOM")
        found = call(host, "django_doctor", apps=["ledger"])["findings"]
        (full,) = [one for one in found if "ledger-broker" in one["cause"] and "full" in one["cause"]]
        assert "memory: 128M" in full["remedy"]
    finally:
        empty = "return redis.call('DEL', unpack(redis.call('KEYS', 'filler*')))"
        assert ask(host, BROKER, "EVAL", empty, "0").startswith(":")
    assert fill(host, CACHE, 300) == "+OK"
    kept = ask(host, CACHE, "EVAL", "return #redis.call('KEYS', 'filler*')", "0")
    assert 100 < int(kept.removeprefix(":")) < 256
    ask(host, CACHE, "FLUSHALL")


def test_a_stopped_instance_is_a_finding_and_a_line_of_status(host, undo):
    name = unit(host, "cache")
    undo(f"systemctl start {name}")
    host.check_output("systemctl stop %s", name)
    causes = [one["cause"] for one in call(host, "django_doctor", apps=["ledger"])["findings"]]
    assert any(f"The cache ledger-cache of app ledger does not run: {name} is inactive (dead)" in one for one in causes)
    (app,) = call(host, "django_status", app="ledger")["apps"]
    assert [one["name"] for one in app["units"] if one["failing"]] == [name]


def test_a_changed_limit_restarts_the_broker_and_keeps_its_data(host):
    text, before = uuid4().hex, host.check_output("cat /etc/gatehouse/valkey/ledger-broker.conf")
    ask(host, BROKER, "SET", "kept", text)
    one = {"name": "ledger-broker", "kind": "broker", "group": "ledger"}
    try:
        answer = call(host, "valkey_instances", instances=[{**one, "memory": "32M"}])
        assert answer["restarted"] == ["ledger-broker"]
        assert ask(host, BROKER, "GET", "kept") == text
        # The answer is an array of the name and the value.
        assert host.check_output("runuser -u ledger -- python3 -c %s", LIMIT) == str(32 << 20)
    finally:
        assert call(host, "valkey_instances", instances=[{**one, "memory": "64M"}])["changed"]
    assert host.check_output("cat /etc/gatehouse/valkey/ledger-broker.conf") == before


LIMIT = f"""
import socket
connection = socket.socket(socket.AF_UNIX)
connection.connect("{BROKER}")
connection.sendall(b"CONFIG GET maxmemory\\r\\n")
print(connection.recv(1000).decode().split("\\r\\n")[4])
"""


def test_a_limit_below_what_the_broker_holds_is_refused(host):
    ask(host, BROKER, "SET", "big", "x" * 20)
    grow = "redis.call('SET', 'big', string.rep('x', 20000000)) return 'done'"
    try:
        assert ask(host, BROKER, "EVAL", grow, "0") == "done"
        one = {"name": "ledger-broker", "kind": "broker", "group": "ledger", "memory": "16M"}
        answer = call(host, "valkey_instances", instances=[one])
        assert answer["failed"]
        assert "memory: 16M is less than the" in answer["msg"]
        assert "Nothing was changed." in answer["msg"]
    finally:
        ask(host, BROKER, "DEL", "big")


@pytest.mark.long
def test_a_broker_that_the_entry_does_not_name_any_more_is_stopped_and_keeps_its_data(host, ledger):
    text = uuid4().hex
    ask(host, BROKER, "SET", "kept", text)
    try:
        output = deploy(host, broker={}, cache={}, processes=[])
        assert f"ledger-broker: stopped. Its data are kept in {DATA}." in output
        assert ledger.get("/").status == 200
        for kind in ("cache", "broker"):
            assert not host.service(unit(host, kind)).is_running
            assert not host.service(unit(host, kind)).is_enabled
        assert host.file(f"{DATA}/appendonlydir").is_directory
        assert not host.file("/etc/gatehouse/valkey/ledger-cache.conf").exists
        stopped = {"name": "ledger-broker", "kind": "broker", "state": "stopped"}
        assert not call(host, "valkey_instances", instances=[stopped])["changed"]
    finally:
        # As the inventory has it.
        deploy(host)
    assert ask(host, BROKER, "GET", "kept") == text


def test_the_data_of_a_broker_are_deleted_only_if_confirmed(host):
    one = {"name": "lab-broker", "kind": "broker", "group": "www-data"}
    made = call(host, "valkey_instances", instances=[one])
    assert made["changed"]
    assert not call(host, "valkey_instances", instances=[one])["changed"]
    assert ask(host, "/run/valkey-lab-broker/valkey.sock", "PING", user="www-data") == "+PONG"
    assert ask(host, "/run/valkey-lab-broker/valkey.sock", "PING", user="ledger") == "PermissionError"
    gone = [{**one, "state": "absent"}]
    refused = call(host, "valkey_instances", instances=gone)
    assert "would delete /var/lib/private/valkey-lab-broker with all that the broker holds" in refused["msg"]
    assert host.file("/run/valkey-lab-broker/valkey.sock").exists
    assert call(host, "valkey_instances", instances=gone, confirm="lab-broker")["changed"]
    left = host.check_output("find /etc/gatehouse /etc/systemd /var/lib /run -name '*lab-broker*'")
    assert left == ""
    assert not call(host, "valkey_instances", instances=gone, confirm="lab-broker")["changed"]


def test_a_server_of_others_is_not_touched_and_none_is_added(host):
    listening = host.socket("tcp://127.0.0.1:6379").is_listening
    assert listening is (program(host) == "redis")
    state = host.run("systemctl is-enabled %s-server.service", program(host)).stdout.strip()
    assert state == ("enabled" if listening else "masked")


def test_a_mistake_is_refused_before_anything_changes(host):
    played = Play(DEPLOY, host, lab_app="ledger", lab_changes={"broker": {"engine": "valkey", "memory": "1M"}}).finish()
    assert "broker: memory '1M' is too little: use 16M or more." in played.refusal
    assert "changed=0" in played.output
