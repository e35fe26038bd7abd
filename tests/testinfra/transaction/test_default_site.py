"""A site with `default` answers requests for names that no site has."""

import pytest
from helpers.http import Visitor, raw
from helpers.layouts import debian
from helpers.sites import SHOP
from helpers.sites import extra as site
from helpers.states import configuration

NAMES = ["tenant.example.org", "192.0.2.1", "[2001:db8::1]"]


@pytest.fixture
def unknown(address):
    """What an unknown name gets: the status line, or nothing."""

    def unknown(port=80, name="tenant.example.org"):
        head = f"GET /word HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
        return raw(address, head.encode(), port).partition(b"\r\n")[0]

    return unknown


def test_unknown_names_get_the_default_site(driver, address, unknown, shop):
    assert unknown() == b""
    driver.publish(site(default=True))
    for name in (*NAMES, address):
        assert Visitor(address, name).get("/word").text == "extra"
    # HTTP/1.0 without a name.
    assert raw(address, b"GET /word HTTP/1.0\r\n\r\n").endswith(b"extra")
    assert shop.get("/").json()["answered by"] == "the upstream shop"
    assert not driver.publish(site(default=True))["changed"]
    driver.publish(site())
    assert unknown() == b""


def test_what_keepalived_asks_reaches_no_default_site(driver, address):
    """roles/keepalived/files/nginx-answers: a slow application must not take the addresses from a host."""
    driver.publish(site(default=True))
    answer = raw(address, b"HEAD / HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_unknown_names_on_other_addresses_get_no_answer(driver, unknown):
    driver.publish(site(default=True, listen=["8080"]))
    assert (unknown(8080), unknown(80)) == (b"HTTP/1.1 200 OK", b"")
    # Without a site on port 80 nginx does not listen there.
    driver.publish(site(default=True, listen=["8080"]), SHOP | {"listen": ["8080"]})
    with pytest.raises(ConnectionRefusedError):
        unknown(80)


def test_two_default_sites_of_one_address_are_refused(driver, refuse):
    driver.publish(site(default=True))
    other = site("other", name="other", server_name=["other.example.test"], default=True)
    message = refuse(other)
    assert "site 'extra' and site 'other' are both the default one of '80'" in message
    assert "Nothing was changed" in message
    assert not driver.publish(other | {"listen": ["8080"]})["failed"]
    # Both change in one call.
    assert not driver.publish(other, site())["failed"]


def test_a_default_server_of_another_file_is_in_the_way(driver):
    with configuration(driver, debian(driver)):
        refused = driver.publish(SHOP, site(default=True))
        assert refused["failed"]
        assert "a duplicate default server for 0.0.0.0:80" in refused["msg"]
        assert "site 'extra' has default: true. Remove 'default_server' from the other server" in refused["msg"]


def test_the_doctor_asks_the_default_site(driver):
    def findings(**options):
        driver.publish(site(snippet="", **options))
        return driver.doctor(url="http://tenant.example.org/")["findings"]

    assert "nginx has no server with the name tenant.example.org" in findings()[0]["cause"]
    assert "nginx has no server" not in str(findings(default=True))
