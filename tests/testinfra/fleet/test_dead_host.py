"""A web host that cannot answer: its requests go to the other one, writes too, as long as the app did not get them."""

import pytest
from helpers.hosts import stopped
from visits import MANY, get, nodes, nodes_after_a_death

WEB1, WEB2 = "gatehouse-fleet-web1", "gatehouse-fleet-web2"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(params=["gunicorn is stopped", "no release is current", "nginx is stopped", "the network is dropped"])
def dead(request, web_hosts, address):
    """A web host that has lost something."""
    host = web_hosts[WEB1]
    if request.param == "gunicorn is stopped":
        with stopped(host, "guestbook"):
            yield
        return
    commands = {
        "no release is current": (
            "mv /srv/guestbook/current /srv/guestbook/gone",
            "mv /srv/guestbook/gone /srv/guestbook/current",
        ),
        "nginx is stopped": ("systemctl stop nginx", "systemctl start nginx"),
        # The host answers no packet of the balancer.
        "the network is dropped": (f"ip route add blackhole {address}", f"ip route del blackhole {address}"),
    }
    end, back = commands[request.param]
    host.check_output(end)
    try:
        yield
    finally:
        host.check_output(back)


def test_requests_go_to_the_other_host(address, dead):
    assert nodes(address) == {WEB2}
    # Django answers 403 without a token of the form.
    for method in METHODS:
        found = {get(address, "/", method).status for _number in range(MANY)}
        assert found == ({200} if method == "GET" else {403}), method


def test_the_host_serves_again(address, web_hosts):
    assert nodes_after_a_death(address, web_hosts) == {WEB1, WEB2}
