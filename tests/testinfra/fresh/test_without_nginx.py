"""A host without nginx: check mode shows the files, says that they were not validated, and changes nothing."""

from helpers.module import call
from helpers.sites import SHOP

TREES = ("/etc", "/run", "/var/log", "/var/lib")
NOT_THERE = "nginx is not installed on this host"


def test_nginx_is_not_installed(driver):
    assert driver.info()["installed"] is False


def test_check_mode_shows_the_files_with_one_warning(driver):
    before = driver.ask("snapshot", *TREES)
    checked = driver.publish(SHOP, check=True, nginx_conf={"manage": "auto"})
    after = driver.ask("snapshot", *TREES)
    assert {path for path in before | after if before.get(path) != after.get(path)} == set()
    assert (checked["changed"], checked["validated"], checked["sites"]) == (True, "not", ["shop"])
    assert "server_name shop.example.test;" in "".join(part["after"] for part in checked["diff"])
    # A host that gives few open files is named by another one.
    (warning,) = [one for one in checked["warnings"] if "files open on this host" not in one]
    assert NOT_THERE in warning


def test_check_mode_refuses_a_wrong_option(driver):
    assert "is not a host name" in driver.publish(SHOP | {"server_name": ["not a name"]}, check=True)["msg"]


def test_a_run_names_the_role_that_installs_nginx(driver):
    refused = driver.publish(SHOP)
    assert refused["failed"]
    assert NOT_THERE in refused["msg"]
    assert "gatehouse.django.nginx" in refused["msg"]


def test_nginx_info_describes_the_package(driver):
    info = driver.info()
    assert (info["conf_path"], info["generations"], info["generation"]) == ("/etc/nginx/nginx.conf", [], 0)


def test_ansible_prints_the_diff(host):
    checked = call(host, "nginx_config", check=True, sites=[SHOP])
    assert checked["changed"]
    assert "+++ after: /etc/nginx/gatehouse/live/sites/shop.conf" in checked["printed"]
    assert checked["printed"].count(NOT_THERE) == 1
