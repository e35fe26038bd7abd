"""Without CAP_SYS_ADMIN, as in an unprivileged container, a change is validated in place and rolled back if invalid."""

from contextlib import nullcontext

import pytest
from helpers.direct import driver as driver_of
from helpers.kills import changes
from helpers.sites import answers
from helpers.sites import extra as site
from helpers.states import nginx_stopped

WITHOUT = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
TREES = ("/etc/nginx", "/run", "/var/log", "/var/lib")
WRONG = site(snippet=answers("wrong") + " no_such_directive on;")


@pytest.fixture
def unprivileged(host):
    return driver_of(host.backend.name, WITHOUT)


def test_the_kernel_refuses_a_mount_namespace(unprivileged):
    refused = unprivileged.ask("shell", "unshare --mount true")
    assert refused["rc"] != 0
    assert "Operation not permitted" in refused["err"]


def test_a_valid_change_is_applied_and_reports_how_it_was_validated(unprivileged, extra):
    published = unprivileged.publish(site())
    assert (published["changed"], published["reloaded"], published["validated"]) == (True, True, "in_place")
    assert "Operation not permitted" in " ".join(published["warnings"])
    assert extra.get("/word").text == "extra"


def test_an_invalid_change_is_rolled_back(unprivileged, driver, extra):
    driver.publish(site())
    before = driver.ask("live_files"), driver.shell("ls /etc/nginx/gatehouse/generations")
    messages = {unprivileged.publish(WRONG)["msg"] for _twice in range(2)}
    (message,) = messages
    for word in ('unknown directive "no_such_directive"', "site 'extra'", "The live configuration is as it was"):
        assert word in message
    assert (driver.ask("live_files"), driver.shell("ls /etc/nginx/gatehouse/generations")) == before
    assert driver.ask("configuration")["valid"]
    assert extra.get("/word").text == "extra"


def test_an_invalid_first_site_leaves_no_entry_file(unprivileged, driver):
    before = driver.shell("find /etc/nginx | sort")
    assert unprivileged.publish(WRONG)["failed"]
    assert driver.shell("find /etc/nginx | sort") == before


def test_the_second_run_changes_nothing(unprivileged):
    unprivileged.publish(site())
    again = unprivileged.publish(site())
    assert (again["changed"], again["validated"], again["warnings"]) == (False, "unchanged", [])


def test_nginx_conf_is_replaced_and_restored(unprivileged, shop):
    given = unprivileged.publish(nginx_conf={"manage": "never"})
    assert (given["owns_nginx_conf"], given["validated"]) == (False, "in_place")
    assert shop.get("/").status == 200
    taken = unprivileged.publish(nginx_conf={"manage": "always"})
    assert (taken["owns_nginx_conf"], taken["validated"]) == (True, "in_place")
    assert shop.get("/").status == 200


@pytest.mark.parametrize("wanted", [site(), WRONG], ids=["right", "wrong"])
def test_check_mode_says_that_it_validated_nothing_and_leaves_no_trace(unprivileged, driver, wanted):
    before = driver.ask("snapshot", *TREES)
    checked = unprivileged.publish(wanted, check=True)
    after = driver.ask("snapshot", *TREES)
    assert {path for path in before | after if before.get(path) != after.get(path)} == set()
    assert (checked["changed"], checked["validated"]) == (True, "not")
    assert checked["warnings"]


def test_check_mode_with_nginx_stopped(unprivileged, driver):
    with nginx_stopped(driver):
        before = driver.ask("snapshot", *TREES)
        assert unprivileged.publish(site(), check=True)["validated"] == "not"
        after = driver.ask("snapshot", *TREES)
    assert {path for path in before | after if before.get(path) != after.get(path)} == set()


@pytest.mark.parametrize("wanted", [site(), WRONG], ids=["right", "wrong"])
def test_a_test_in_place_leaves_no_empty_pid_file(unprivileged, driver, wanted):
    """nginx -t makes one where nginx is stopped, and `nginx -s reload` trips over it."""
    with nginx_stopped(driver):
        assert unprivileged.publish(wanted)["failed"] == (wanted == WRONG)
        assert driver.shell("ls /run | grep nginx.pid || true") == ""


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_the_next_run_rolls_back_what_a_killed_run_has_not_validated(unprivileged, driver, running):
    with nullcontext() if running else nginx_stopped(driver):
        before = driver.ask("live_files")["files"]
        test_in_place = changes(unprivileged, WRONG).index("subprocess.Popen /usr/sbin/nginx -t") + 1
        assert unprivileged.die(WRONG, kill_at=test_in_place)["killed"]
        assert not driver.ask("configuration")["valid"]
        assert "is live again" in unprivileged.publish(WRONG)["msg"]
        assert driver.ask("live_files")["files"] == before
        assert driver.ask("configuration")["valid"]
