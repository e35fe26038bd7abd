"""The link `live` is lost: the remedy that the messages name restores it with all sites that nginx serves."""

import pytest
from helpers.sites import SHOP
from helpers.sites import extra as site
from helpers.states import nginx_stopped

HOME = "/etc/nginx/gatehouse"
ROLE_NGINX = {"nginx_conf": {"manage": "auto"}}


@pytest.fixture
def served(driver):
    """The number of the generation that nginx serves, with two sites, and whose link is gone."""
    number = driver.publish(SHOP, site(), **ROLE_NGINX)["generation"]
    driver.shell(f"rm {HOME}/live")
    return number


def said(answer):
    """The warnings, without that of a host that gives few open files."""
    return [one for one in answer["warnings"] if "files open on this host" not in one]


def test_the_role_nginx_restores_all_sites(driver, served, shop, extra):
    restored = driver.publish(**ROLE_NGINX)
    assert (restored["failed"], restored["changed"], restored["generation"]) == (False, True, served), restored
    (warning,) = said(restored)
    assert warning == (
        f"{HOME}/live was missing or broken: this run started from generation {served}, "
        "the newest one that nginx has served"
    )
    assert driver.shell(f"readlink {HOME}/live") == f"generations/{served}"
    assert (shop.get("/").status, extra.get("/word").text) == (200, "extra")
    again = driver.publish(**ROLE_NGINX)
    assert (again["changed"], said(again)) == (False, [])


def test_check_mode_says_so_and_changes_nothing(driver, served):
    answer = driver.publish(check=True, **ROLE_NGINX)
    assert (answer["failed"], answer["changed"]) == (False, True), answer
    assert driver.ask("shell", f"test -L {HOME}/live")["rc"] == 1


def test_a_change_of_one_site_restores_the_others(driver, served, shop, extra):
    changed = driver.publish(site("new"))
    assert (changed["failed"], changed["changed"]) == (False, True), changed
    assert changed["generation"] > served
    assert (shop.get("/").status, extra.get("/word").text) == (200, "new")


def test_after_a_reboot_nginx_can_be_started_again(driver, served, extra):
    with nginx_stopped(driver):
        assert driver.ask("shell", "nginx -t")["rc"]
        restored = driver.publish(**ROLE_NGINX)
        assert (restored["failed"], restored["changed"]) == (False, True), restored
    assert extra.get("/word").text == "extra"


def test_an_unreadable_generation_is_skipped(driver, extra):
    good = driver.publish(site("good"))["generation"]
    bad = driver.publish(site("bad"))["generation"]
    driver.shell(f"rm {HOME}/generations/{bad}/state.json")
    restored = driver.publish(**ROLE_NGINX)
    assert not restored["failed"], restored
    assert f"started from generation {good}" in said(restored)[0]
    assert extra.get("/word").text == "good"
    driver.shell(f"rm -r {HOME}/generations/{bad}")


def test_the_generation_can_be_restored_by_number_or_as_previous(driver, extra):
    old = driver.publish(site("old"))["generation"]
    driver.publish(site("new"))
    driver.shell(f"rm {HOME}/live")
    assert not driver.publish(generation="previous")["failed"]
    assert extra.get("/word").text == "old"
    driver.shell(f"rm {HOME}/live")
    assert not driver.publish(generation=str(old))["failed"]


def test_served_sites_are_not_removed_if_no_generation_is_left(driver, served, shop, extra):
    driver.shell(f"mv {HOME}/generations /root/generations")
    try:
        refused = driver.publish(**ROLE_NGINX)
        assert refused["failed"]
        assert refused["msg"].startswith(
            f"nginx serves generation {served}, but no generation is left in {HOME}: a configuration without sites "
            "would take all sites down. Restore "
        )
        assert (shop.get("/").status, extra.get("/word").text) == (200, "extra")
    finally:
        driver.shell(f"rm -rf {HOME}/generations; mv /root/generations {HOME}/generations")
    assert not driver.publish(**ROLE_NGINX)["failed"]


def test_a_directory_in_place_of_the_link_is_named(driver, served):
    driver.shell(f"mkdir {HOME}/live")
    refused = driver.publish(site("new"))
    driver.shell(f"rmdir {HOME}/live")
    assert refused["failed"]
    assert f"{HOME}/live is not a symbolic link made by Gatehouse: move it away" in refused["msg"]
