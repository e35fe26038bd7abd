"""The doctor on the hosts of a fleet."""

from uuid import uuid4

import pytest
from helpers.hosts import eventually, stopped
from helpers.module import call
from visits import get

WEB1 = "gatehouse-fleet-web1"


@pytest.fixture
def findings(host, web_hosts):
    """findings(...): what the doctor says on the balancer, which knows the names of the web hosts."""
    names = {one.check_output("hostname --all-ip-addresses").split()[0]: name for name, one in web_hosts.items()}
    return lambda **options: call(host, "django_doctor", hosts=names, **options)["findings"]


def test_the_host_of_the_database_has_no_nginx_and_no_finding(database_host):
    assert call(database_host, "django_doctor", settings_only=False)["findings"] == []


def test_a_stopped_database_is_found_on_its_host(database_host):
    unit = database_host.check_output("systemctl list-units --plain --no-legend 'postgresql@*' | cut -d ' ' -f 1")
    database_host.check_output("systemctl stop %s", unit)
    try:
        (found,) = call(database_host, "django_doctor", settings_only=False)["findings"]
    finally:
        database_host.check_output("systemctl start %s", unit)
    assert f"{unit}, which apps on other hosts use, does not run" in found["cause"]
    assert found["remedy"] == f"`systemctl start {unit}`"


def test_a_web_host_that_visitors_do_not_miss(web_hosts, findings):
    assert findings() == []
    with stopped(web_hosts[WEB1], "guestbook"):
        (found,) = findings()
        # It balances this app alone.
        assert findings(apps=["guestbook"]) == [found]
        (without,) = findings(apps=["shop"])
    assert "No site of this host passes requests to shop, and shop is not on this host" in without["cause"]
    assert without["remedy"] == "`ansible-playbook gatehouse.django.site -e app=shop`"
    assert found["host"] == WEB1
    assert "passes requests back to this balancer" in found["cause"]
    assert "1 of 2 hosts serve it" in found["cause"]
    assert f"`ansible-playbook gatehouse.django.doctor -l '{WEB1}'`" in found["remedy"]


def test_an_error_of_all_web_hosts_is_explained_by_one_of_them(web_hosts, findings):
    for host in web_hosts.values():
        host.check_output("systemctl stop nginx")
    try:
        found = findings()
    finally:
        for host in web_hosts.values():
            host.check_output("systemctl start nginx")
    assert {one["host"] for one in found} == set(web_hosts)
    assert all("gives no answer to this balancer: nothing listens there" in one["cause"] for one in found)
    # The page of the balancer has the same cause.
    assert any(explained.endswith(": 502") for one in found for explained in one["explains"])


def test_a_balancer_has_the_logs_of_nginx(host, address):
    mark = uuid4().hex
    get(address, f"/?mark={mark}")
    host.check_output("nginx -s reopen")

    def lines():
        """The value in a query is replaced."""
        return [
            one for one in call(host, "django_logs", app="guestbook", lines=20)["entries"] if "mark=" in one["text"]
        ]

    assert {(one["source"], mark in one["text"]) for one in eventually(lines)} == {("access", False)}
    assert "unknown app 'gestbook'" in call(host, "django_logs", app="gestbook")["msg"]
