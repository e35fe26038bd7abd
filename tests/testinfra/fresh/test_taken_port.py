"""A web server that is already there: the role names it at once, and installs and changes nothing."""

from pathlib import Path

import pytest
from helpers.play import Play
from helpers.states import port_held, transient_service

PLAYBOOK = Path(__file__).parent / "nginx.yml"
SITE = Path(__file__).parent / "site.yml"
TREES = ("/etc", "/usr/sbin", "/var/lib/dpkg", "/var/log")
IPV6_ONLY = 'import socket, time; s = socket.create_server(("::", 80), family=socket.AF_INET6); time.sleep(600)'


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
def test_nothing_is_installed_beside_another_web_server(host, driver, check):
    before = driver.ask("snapshot", *TREES)
    with port_held(driver, 80):
        played = Play(PLAYBOOK, host, check=check).finish()
        listed = driver.info()["taken_ports"]
    after = driver.ask("snapshot", *TREES)
    assert played.code != 0
    assert "nginx needs port 80, but python3 (process " in played.refusal
    assert "'systemctl disable --now port-holder.service'" in played.refusal
    assert played.refusal.endswith("Nothing was changed.")
    assert len(listed) == 1
    assert {path for path in before | after if before.get(path) != after.get(path)} == set()


def test_nothing_is_installed_where_a_site_cannot_have_its_port(host, driver):
    """nginx itself does not need that port before its sites are published, after the apps."""
    before = driver.ask("snapshot", *TREES)
    with port_held(driver, 443):
        played = Play(SITE, host).finish()
        assert driver.info()["taken_ports"] == []
    after = driver.ask("snapshot", *TREES)
    assert played.code != 0
    assert "nginx needs port 443, but python3 (process " in played.refusal
    assert played.refusal.endswith("Nothing was changed.")
    assert {path for path in before | after if before.get(path) != after.get(path)} == set()


def test_a_server_for_ipv6_only(driver):
    """The distribution's site listens there, too."""
    with transient_service(driver, "holder", "python3", "-c", IPV6_ONLY):
        driver.shell('for _ in $(seq 50); do [ -n "$(ss -Hltn sport = :80)" ] && break; sleep 0.1; done')
        (said,) = driver.info()["taken_ports"]
    assert "nginx needs port [::]:80, but python3" in said
    assert driver.info()["taken_ports"] == []
