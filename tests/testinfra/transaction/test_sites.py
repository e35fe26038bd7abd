"""Sites are published, changed and removed, each with its own call."""

import pytest
from helpers.http import Visitor, raw
from helpers.sites import SHOP, answers
from helpers.sites import extra as site


def workers(driver):
    return driver.info()["worker_pids"]


def test_a_site_is_published_beside_the_others(driver, extra, shop):
    published = driver.publish(site())
    assert (published["changed"], published["reloaded"], published["validated"]) == (True, True, "isolated")
    assert published["sites"] == ["extra", "shop"]
    assert extra.get("/word").text == "extra"
    assert shop.get("/").status == 200


def test_the_second_call_changes_nothing(driver):
    driver.publish(site())
    before = driver.ask("snapshot", "/etc/nginx"), workers(driver)
    again = driver.publish(site())
    assert (again["changed"], again["reloaded"], again["validated"]) == (False, False, "unchanged")
    assert (driver.ask("snapshot", "/etc/nginx"), workers(driver)) == before


def test_an_absent_site_is_removed_and_the_others_stay(driver, address, shop):
    before = driver.ask("live_files")["files"]
    driver.publish(site())
    removed = driver.publish({"name": "extra", "state": "absent"})
    assert removed["changed"]
    assert driver.ask("live_files")["files"].keys() == before.keys()
    assert raw(address, b"GET / HTTP/1.1\r\nHost: extra.example.test\r\n\r\n") == b""
    assert shop.get("/").status == 200


def test_purge_removes_the_sites_that_are_not_listed(driver, extra):
    purged = driver.publish(site(), purge=True)
    assert purged["sites"] == ["extra"]
    assert [path for path in driver.ask("live_files")["files"] if path.startswith("sites/")] == ["sites/extra.conf"]
    assert extra.get("/word").text == "extra"


def test_sites_can_swap_their_names_in_one_call(driver, extra, shop):
    """In two calls the first one would be refused."""
    driver.publish(site())
    names = {"server_name": SHOP["server_name"]}, {"server_name": site()["server_name"]}
    exchanged = driver.publish(site("exchanged", **names[0]), SHOP | names[1])
    assert exchanged["changed"]
    assert shop.get("/word").text == "exchanged"
    assert extra.get("/word").json()["answered by"] == "the upstream shop"


def test_another_port_is_in_the_host_header(driver, address):
    driver.publish(site(listen=["8080"], snippet=""))
    visitor = Visitor(address, "extra.example.test", port=8080)
    seen = visitor.request("GET", "/whoami", host="extra.example.test:8080").json()
    assert (seen["path"], seen["headers"]["Host"]) == ("/whoami", "extra.example.test:8080")
    # Port 80 of a router that leads to this one.
    assert visitor.get("/whoami").json()["headers"]["Host"] == "extra.example.test"
    # Unknown names are refused on the new port, too.
    assert raw(address, b"GET / HTTP/1.1\r\nHost: unknown.example.test\r\n\r\n", port=8080) == b""


def test_non_ascii_values_are_served_unchanged(driver, extra):
    driver.publish(site(snippet=answers("Grüße, 你好")))
    assert extra.get("/word").text == "Grüße, 你好"


@pytest.mark.parametrize(
    ("written", "sent"), [("bücher.example.test", "xn--bcher-kva.example.test"), ("2001:DB8::1", "[2001:db8::1]")]
)
def test_a_name_is_served_as_clients_send_it(driver, address, written, sent):
    named = site(server_name=[written])
    driver.publish(named)
    visitor = Visitor(address, sent)
    assert visitor.get("/word").text == "extra"
    assert visitor.get("/whoami").json()["headers"]["Host"] == sent
    assert not driver.publish(named)["changed"]
    # The doctor finds the site under this name.
    found = driver.doctor(url=f"http://{sent}/word")["findings"]
    assert "nginx has no server" not in str(found)
