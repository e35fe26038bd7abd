"""If the authority issues no certificate, the site is served as before, and the play says why."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.http import Visitor
from helpers.long import LONG
from helpers.module import call
from helpers.play import REPOSITORY
from helpers.tls import certificate, get

NEW = {"name": "new", "upstream": "http://127.0.0.1:8000", "server_name": ["new.example.test"], "tls": "acme"}


def is_served(address, name):
    answer = Visitor(address, name).get("/")
    return answer.status == 200 and answer.json()["answered by"] == "the upstream shop"


def test_a_name_without_an_address(address, publish, unverifying):
    played = publish(NEW | {"server_name": ["nowhere.example.test"]})
    assert played.code != 0
    assert "Site new is served as before, without a new certificate. No certificate was requested" in played.refusal
    assert "nowhere.example.test cannot be resolved" in played.refusal
    assert is_served(address, "nowhere.example.test")
    assert get(address, "shop.example.test", "/", unverifying).status == 200


def test_a_closed_port(address, publish):
    played = publish(NEW | {"server_name": ["closed.example.test"]})
    assert played.code != 0
    # A busy network may lose the refusal.
    assert re.search(r"which does not answer on port 80: (Connection refused|timed out)\.", played.refusal)
    assert "On the host itself nginx answers correctly" in played.refusal
    assert is_served(address, "closed.example.test")


@pytest.mark.parametrize("limit", ["remount,bind,ro", "remount"])
def test_no_file_can_be_created_for_the_challenge(host, limit):
    """The site is named, and no other one is kept from getting its certificate."""
    place = "/var/lib/gatehouse"
    host.check_output(
        f"mkdir /mnt/small && mount -t tmpfs -o size=1m small /mnt/small && cp -a {place}/. /mnt/small"
        f" && mount --bind /mnt/small {place} && (head --bytes=2M /dev/zero >/mnt/small/file || true)"
        f" && mount -o {limit} {place}"
    )
    try:
        authority = (REPOSITORY / ".artifacts/tls/root.pem").read_text()
        answer = call(host, "certbot_certificates", sites=[NEW], authority=authority)
    finally:
        host.check_output(f"umount {place} && umount /mnt/small && rmdir /mnt/small")
    assert not answer["failed"], answer["printed"]
    assert answer["issued"] == []
    wanted = (
        r"No certificate was requested: \[Errno \d+\] (Read-only file system|No space left on device): '/var/lib/gate"
    )
    assert re.match(wanted, answer["failures"]["new"]), answer["failures"]


@pytest.fixture
def elsewhere(host):
    """The authority sees another address than the host itself does."""
    name, api = "elsewhere.example.test", "http://127.0.0.1:8055"
    gateway = host.check_output("ip route show default").split()[2]
    host.check_output(f"""curl --silent --fail -d '{{"host":"{name}.","addresses":["{gateway}"]}}' {api}/add-a""")
    yield name
    host.check_output(f"""curl --silent --fail -d '{{"host":"{name}."}}' {api}/clear-a""")


def test_the_authority_reaches_another_host(address, publish, elsewhere):
    played = publish(NEW | {"server_name": [elsewhere]})
    assert played.code != 0
    assert "The authority issued no certificate: " in played.refusal
    assert f"Domain: {elsewhere}" in played.refusal
    assert "onnection" in played.refusal
    assert is_served(address, elsewhere)


def test_one_failed_site_does_not_stop_another(address, publish, verifying):
    bad = NEW | {"name": "bad", "server_name": ["nowhere.example.test"]}
    played = publish(bad, NEW)
    assert played.code != 0
    assert "Site bad is served as before" in played.refusal
    assert get(address, "new.example.test", "/", verifying).status == 200


CERTBOT = "^/usr/bin/python3 .*certbot certonly"
# What is there of certbot's at the moment of its death.
# Each has a name of its own: the authority need not look at one again that it has looked at before.
MOMENTS = {
    "as it starts": ("killed", "true"),
    "while the authority looks": ("killed2", "ls /var/lib/gatehouse/acme/.well-known/acme-challenge/* >/dev/null 2>&1"),
}


@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if LONG or moment != "as it starts"])
def test_certbot_is_killed_midway(host, address, publish, verifying, moment):
    name, there = MOMENTS[moment]
    server = f"{name}.example.test"
    site = NEW | {"name": name, "server_name": [server]}
    kill = (
        f"for _ in $(seq 1200); do if {there} && pkill --signal KILL --full '{CERTBOT}'; then exit 0; fi;"
        " sleep 0.05; done; exit 1"
    )
    with ThreadPoolExecutor(1) as pool:
        killer = pool.submit(host.run, "sh -c %s", kill)
        played = publish(site)
        assert killer.result().rc == 0, "certbot was not killed"
    assert played.code != 0
    assert is_served(address, server)
    again = publish(site)
    assert again.code == 0, again.output
    assert get(address, server, "/", verifying).status == 200
    assert host.check_output("ls /etc/letsencrypt/live").split().count(f"gatehouse-{name}") == 1


def test_a_run_is_killed_after_the_certificate_was_issued(host, address, publish, verifying):
    """certbot has it, nginx does not serve it: the next run needs no authority for that."""
    site = NEW | {"name": "killed", "server_name": ["killed.example.test"]}
    assert publish(site).code == 0
    other = "cat /etc/nginx/gatehouse/certificates/self.pem > /etc/nginx/gatehouse/certificates/killed.pem"
    # Not stopped: it keeps its root and its accounts in memory.
    host.check_output(f"{other}; systemctl reload nginx; systemctl kill --signal=STOP pebble")
    try:
        again = publish(site)
    finally:
        host.check_output("systemctl kill --signal=CONT pebble")
    assert again.code == 0, again.output
    lineage = host.check_output("openssl x509 -noout -fingerprint -in /etc/letsencrypt/live/gatehouse-killed/cert.pem")
    served = host.check_output("openssl x509 -noout -fingerprint -in /etc/nginx/gatehouse/certificates/killed.pem")
    assert served == lineage
    assert certificate(address, "killed.example.test")
