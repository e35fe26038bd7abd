"""What the words of drivers mean, and whose part the remedy is."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.data_servers.asking import Server
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.data_servers.explanation import explain

AT = 'connection failed: connection to server at "192.0.2.9", port 5432 failed: '


def server(error, kind="database", tls="", **more):
    vendor = "postgresql" if kind == "database" else "valkey"
    given = {"label": "default", "vendor": vendor, "host": "192.0.2.9", "port": "", **more}
    return Server(kind=kind, error=error, tls=tls, **given)


@pytest.mark.parametrize(
    ("error", "tls", "cause", "remedy"),
    [
        (f"{AT}Connection refused", "", "nothing listens there", "`systemctl start postgresql`"),
        ("OperationalError: connection timeout expired", "", "no answer comes from there", "no firewall"),
        (f'{AT}FATAL: password authentication failed for user "shop"', "", "does not accept the password", "gives the"),
        (f"{AT}SSL error: certificate verify failed", "certificate has expired", "has expired", "timedatectl"),
        (f"{AT}SSL error: certificate verify failed", "self-signed", "not from the authority", "copies the authority"),
        (f"{AT}SSL error: certificate verify failed", "", "not from the authority", "copies the authority"),
        (f'{AT}server certificate for "a" does not match host name "b"', "", "for another name", "gatehouse_address"),
        (f'{AT}root certificate file "/x.pem" does not exist', "", "lacks the certificate", "copies it"),
        (
            f'{AT}FATAL: no pg_hba.conf entry for host "192.0.2.7", user "s"',
            "",
            "connects from 192.0.2.7",
            "gatehouse_",
        ),
        (f'{AT}FATAL: too many connections for role "shop"', "", "no free connection", "{engine: postgresql, "),
        (f'{AT}FATAL: too many connections for database "shop"', "", "a limit of connections", 'DATABASE "shop" CONN'),
        (f"{AT}FATAL: the database system is in recovery mode", "", "is starting or ending", "a full disk"),
        (f"{AT}FATAL: could not write init file: No space left on device", "", "is full", "Make space on db1"),
        (f'{AT}FATAL: database "shop" does not exist', "", "does not have what", "makes the role"),
        ('could not translate host name "db" to address: Name or service not known', "", "does not know", "getent"),
        (f"{AT}Network is unreachable", "", "no network", "ip route get 192.0.2.9"),
        ("something else", "", "refuses the app", "Read the log of the server on db1"),
    ],
)
def test_a_database_on_a_host_of_the_inventory(error, tls, cause, remedy):
    found = explain("shop", server(error, tls=tls), "db1.example.com")
    assert found[0].startswith("The app shop cannot use its database on db1.example.com (192.0.2.9:5432): ")
    assert cause in found[0]
    assert f"It gets: {error}" in found[0]
    assert remedy in found[1]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("-WRONGPASS invalid username-password pair or user is disabled.", "does not accept the password"),
        ("-MISCONF Errors writing to the AOF file: No space left on device", "is full"),
        ("-ERR max number of clients reached", "no free connection"),
        ("TimeoutError: timed out", "no answer comes from there"),
        ("SSLCertVerificationError: certificate verify failed: certificate has expired (_ssl.c:1)", "has expired"),
    ],
)
def test_a_broker(error, cause):
    found = explain("shop", server(error, "broker", port="16379"), "db1.example.com")
    assert found[0].startswith("The app shop cannot use its broker on db1.example.com (192.0.2.9:16379): ")
    assert cause in found[0]


@pytest.mark.parametrize(
    ("error", "host"),
    [
        ("Connection refused", "db1"),
        ("No space left on device", "db1"),
        ("the database system is starting up", "db1"),
        # What concerns this app alone: the host of the server knows nothing of it.
        ('password authentication failed for user "shop"', ""),
        ("connection timeout expired", ""),
    ],
)
def test_the_host_of_the_server_says_more_of_the_server_itself(error, host):
    assert explain("shop", server(f"{AT}{error}"), "db1")[2] == host
    assert explain("shop", server(f"{AT}{error}"), "")[2] == ""


def test_the_unit_of_an_instance_is_named():
    refused = server("ConnectionRefusedError: Connection refused", "cache", port="1")
    _cause, remedy, _host = explain("shop", refused, "db1")
    assert "`systemctl start valkey-server@shop-cache`" in remedy


def test_the_operator_corrects_what_gatehouse_did_not_make():
    _cause, remedy, _host = explain("shop", server(f"{AT}FATAL: password authentication failed", label="old"), "")
    assert remedy.startswith("Correct the password in DATABASES['old'] in secrets")


def test_a_text_with_braces_is_no_format():
    cause, remedy, _host = explain("shop", server('no pg_hba.conf entry for host "{port}", {x}'), "")
    assert "connects from {port}" in cause
    assert "Add a line for {port}" in remedy
