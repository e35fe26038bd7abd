"""Check mode validates the whole candidate with nginx, shows the diff, and changes nothing."""

import pytest
from helpers.kills import changes, reload_of
from helpers.sites import SHOP
from helpers.sites import extra as site
from helpers.states import configuration, nginx_stopped

TREES = ("/etc/nginx", "/run", "/var/log", "/var/lib")
WRONG = site(snippet="no_such_directive on;")
HOME = "/etc/nginx/gatehouse"


@pytest.fixture
def check(driver):
    """What check mode says; everything is as it was, content, mode, owner and times."""

    def check(*sites, **options):
        before = driver.ask("snapshot", *TREES)
        checked = driver.publish(*sites, check=True, **options)
        after = driver.ask("snapshot", *TREES)
        assert {path for path in before | after if before.get(path) != after.get(path)} == set()
        assert len(before) > 100
        return checked

    return check


@pytest.fixture(params=["running", "stopped"])
def nginx(request, driver):
    if request.param == "running":
        yield request.param
    else:
        with nginx_stopped(driver):
            yield request.param
            assert driver.shell("ls /run | grep nginx.pid || true") == ""


def test_a_change_is_shown_and_not_made(nginx, check):
    checked = check(site())
    assert (checked["changed"], checked["validated"], checked["reloaded"]) == (True, "isolated", False)
    (diff,) = [part for part in checked["diff"] if part["after_header"] == f"{HOME}/live/sites/extra.conf"]
    assert diff["before"] == ""
    assert "\n    server_name extra.example.test;\n" in diff["after"]


def test_a_change_that_nginx_refuses_is_refused(nginx, check):
    checked = check(WRONG)
    assert checked["failed"]
    assert 'unknown directive "no_such_directive"' in checked["msg"]


def test_an_unchanged_configuration_is_reported_unchanged(nginx, driver, check):
    driver.publish(site())
    checked = check(site())
    assert (checked["changed"], checked["validated"], checked["diff"]) == (False, "unchanged", [])


def test_a_new_nginx_conf_is_shown_and_not_made(nginx, check):
    checked = check(nginx_conf={"manage": "always", "worker_connections": 1234})
    assert checked["changed"]
    (diff,) = [part for part in checked["diff"] if part["after_header"] == f"{HOME}/live/nginx.conf"]
    assert "worker_connections 1234;" in diff["after"]


def test_restoring_nginx_conf_is_shown_and_not_made(nginx, check):
    checked = check(nginx_conf={"manage": "never"})
    assert (checked["changed"], checked["owns_nginx_conf"]) == (True, False)
    assert "/etc/nginx/nginx.conf" in {part["after_header"] for part in checked["diff"]}


def test_restoring_the_previous_generation_is_shown_and_not_made(nginx, driver, check):
    driver.publish(site())
    checked = check(generation="previous")
    assert (checked["changed"], checked["validated"]) == (True, "isolated")
    (diff,) = [part for part in checked["diff"] if part["after_header"] == f"{HOME}/live/sites/extra.conf"]
    assert diff["after"] == ""


def test_a_missing_reload_is_reported_and_not_made(driver, check):
    assert driver.die(site(), kill_at=reload_of(driver, site()))["killed"]
    checked = check(site())
    assert (checked["changed"], checked["reloaded"]) == (True, False)


def test_an_unfinished_candidate_is_not_removed(driver, check):
    events = changes(driver, site())
    driver.publish({"name": "extra", "state": "absent"})
    half = next(number for number, event in enumerate(events, 1) if f"{HOME}/generations/" in event)
    assert driver.die(site(), kill_at=half + 5)["killed"]
    assert check(site())["changed"]
    driver.publish(site())


def test_built_in_paths_of_nginx_are_not_written(driver, check):
    """The pid file and the logs of the build, where nginx.conf names none."""
    with configuration(driver, "events {}\nhttp {\n    include /etc/nginx/conf.d/*.conf;\n}\n"), nginx_stopped(driver):
        driver.shell("rm -f /var/log/nginx/access.log /var/log/nginx/error.log")
        assert check(SHOP)["validated"] == "isolated"
        assert driver.shell("ls /run | grep nginx.pid || true") == ""


def test_check_run_check_run(driver, extra):
    """The promise of every module: what check mode says is what the run does."""
    said = [driver.publish(site(), check=check)["changed"] for check in (True, False, True, False)]
    assert said == [True, True, False, False]
    assert extra.get("/word").text == "extra"
