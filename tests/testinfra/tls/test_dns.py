"""A wildcard, validated over DNS: certbot's plugin writes the record with a key into a real name server."""

import json
import ssl

import pytest
from helpers.hosts import eventually
from helpers.module import call
from helpers.tls import connect, trusting

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="
NAMED = f"""
options {{ directory "/var/cache/bind"; listen-on port 5300 {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; }};
key "gatehouse." {{ algorithm hmac-sha256; secret "{SECRET}"; }};
zone "example.test" {{
    type primary;
    file "/var/lib/bind/example.test";
    update-policy {{ grant gatehouse. name _acme-challenge.wild.example.test. txt; }};
}};
"""
ZONE = "$TTL 1\n@ SOA ns hostmaster 1 60 60 600 1\n  NS ns\nns A 127.0.0.1\nwild A 127.0.0.1\n*.wild A 127.0.0.1\n"
CREDENTIALS = f"""
dns_rfc2136_server = 127.0.0.1
dns_rfc2136_port = 5300
dns_rfc2136_name = gatehouse.
dns_rfc2136_secret = {SECRET}
dns_rfc2136_algorithm = HMAC-SHA256
"""
SITE = {
    "name": "wild",
    "server_name": ["*.wild.example.test", "wild.example.test"],
    "tls": "acme",
    "locations": [{"path": "/", "proxy_pass": "http://127.0.0.1:8000"}],
}


@pytest.fixture
def options(host):
    """What certbot_certificates needs for an authority that asks the name server of the zone."""
    host.check_output("apt-get install -y -q --no-install-recommends bind9 python3-certbot-dns-rfc2136")
    host.check_output("printf %s > /etc/bind/named.conf; printf %s > /var/lib/bind/example.test", NAMED, ZONE)
    host.check_output("chown bind: /var/lib/bind/example.test; systemctl restart named")
    configuration = json.loads(host.check_output("cat /etc/pebble/pebble.json"))
    configuration["pebble"] |= {"listenAddress": "0.0.0.0:14002", "managementListenAddress": "0.0.0.0:15002"}
    host.check_output("printf %s > /run/pebble-dns.json", json.dumps(configuration))
    pebble = "pebble -config /run/pebble-dns.json -dnsserver 127.0.0.1:5300"
    environment = "--setenv=PEBBLE_VA_NOSLEEP=1"
    host.check_output(f"systemd-run --quiet --collect --unit=pebble-dns {environment} {pebble}")
    eventually(lambda: host.run("curl --silent --insecure https://localhost:14002/dir").rc == 0)
    root = host.check_output("cat /etc/pebble/root.pem")
    yield {"directory_url": "https://localhost:14002/dir", "authority": root}
    assert not call(host, "nginx_config", sites=[{"name": "wild", "state": "absent"}])["failed"]
    assert not call(host, "certbot_certificates", sites=[])["failed"]
    host.check_output("systemctl stop pebble-dns; apt-get purge -y -q bind9; rm -f /etc/letsencrypt/gatehouse-dns.ini")


def certificate(address):
    with connect(address, "any.wild.example.test", trusting()) as connection:
        return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True))


def test_a_wildcard_is_issued_and_renewed(host, address, options):
    assert not call(host, "nginx_config", sites=[SITE])["failed"]
    refused = call(host, "certbot_certificates", sites=[SITE], **options)
    assert refused["failed"]
    assert "'*.wild.example.test' is a wildcard, which an authority validates over DNS only" in refused["msg"]
    options |= {"dns_plugin": "rfc2136", "dns_credentials": CREDENTIALS, "dns_propagation_seconds": 1}
    issued = call(host, "certbot_certificates", sites=[SITE], **options)
    assert (issued["issued"], issued["failures"]) == (["wild"], {})
    again = call(host, "certbot_certificates", sites=[SITE], **options)
    assert (again["changed"], again["issued"]) == (False, [])
    first = certificate(address)
    root = host.check_output("curl --silent --insecure https://localhost:15002/roots/0")
    for name in ("any.wild.example.test", "wild.example.test"):
        connect(address, name, trusting(root)).close()
    # As certbot's timer does it.
    bundle = "REQUESTS_CA_BUNDLE=/var/lib/gatehouse/authorities.pem"
    renew = f"{bundle} certbot renew --no-random-sleep-on-renew --force-renewal --cert-name gatehouse-wild"
    # The authority rejects one nonce in twenty, and certbot tries only twice.
    eventually(lambda: host.run(renew).rc == 0, 60)
    assert certificate(address) != first
    # The secret is in the one file that the timer needs.
    assert SECRET not in json.dumps([refused, issued, again]).replace("\\", "")
    assert SECRET not in host.check_output("journalctl --no-pager")
    assert host.check_output("stat -c %a:%U /etc/letsencrypt/gatehouse-dns.ini") == "600:root"
    assert host.run("grep -rl %s /var/log /run /tmp /root", SECRET).stdout == ""
