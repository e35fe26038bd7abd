"""The doctor on the hosts of a fleet."""

import pytest
from helpers.hosts import stopped
from helpers.module import call

WEB1 = "gatehouse-fleet-web1"


@pytest.fixture
def findings(host, web_hosts):
    """findings(): what the doctor says on the balancer, which knows the names of the web hosts."""
    names = {one.check_output("hostname --all-ip-addresses").split()[0]: name for name, one in web_hosts.items()}
    return lambda: call(host, "django_doctor", hosts=names)["findings"]


def test_the_host_of_the_database_has_no_nginx_and_no_finding(database_host):
    assert call(database_host, "django_doctor", settings_only=False)["findings"] == []


def test_a_web_host_that_visitors_do_not_miss(web_hosts, findings):
    assert findings() == []
    with stopped(web_hosts[WEB1], "guestbook"):
        (found,) = findings()
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
