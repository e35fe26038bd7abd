"""A step after the switch fails: the result says that the change is live, and what failed."""

import pytest
from helpers.sites import SHOP
from helpers.sites import extra as site

GENERATIONS = "/etc/nginx/gatehouse/generations"
RECORD = "/run/gatehouse-nginx-generation"
TLS = {"tls": "self_signed"}


@pytest.fixture
def old(driver):
    """An old generation whose record of itself is no longer readable."""
    number = driver.publish(site("old"))["generation"]
    driver.publish(site("new"))
    driver.shell(f"cp -a {GENERATIONS}/{number} /root/old; echo '{{' > {GENERATIONS}/{number}/state.json")
    yield number
    driver.shell(f"rm -rf {GENERATIONS}/{number}; mv /root/old {GENERATIONS}/{number}")


@pytest.fixture
def certificates(driver):
    """A host that has none again afterwards."""
    yield
    driver.publish(SHOP, purge=True)
    driver.shell("rm -rf /etc/nginx/gatehouse/certificates /run/gatehouse-nginx-certificates")


def test_an_old_generation_that_is_unreadable(driver, extra, certificates, old):
    # With a certificate: those of all generations are looked at then.
    changed = driver.publish(site("newest", **TLS))
    assert (changed["failed"], changed["changed"], changed["reloaded"]) == (False, True, True), changed.get("msg")
    assert extra.get("/word").status == 308
    (warning,) = [text for text in changed["warnings"] if "afterwards" in text]
    assert warning.startswith(
        f"generation {changed['generation']} is live, but removing certificates that are no longer used failed "
        f"afterwards: {GENERATIONS}/{old}/state.json is damaged"
    )
    assert driver.publish(site("newest", **TLS))["changed"] is False
    assert driver.info()["generation"] == changed["generation"]


def test_nginx_info_lists_it_with_its_problem(driver, old):
    listed = {generation["number"]: generation for generation in driver.info()["generations"]}
    assert f"{old}/state.json is damaged" in listed[old]["problem"]
    assert (listed[old]["sites"], listed[old]["owns_nginx_conf"]) == ([], None)
    assert {generation["problem"] for number, generation in listed.items() if number != old} == {None}


def test_it_cannot_be_restored(driver, refuse, old):
    assert "is damaged" in refuse(generation=str(old))


def test_an_old_generation_that_cannot_be_removed(driver, extra):
    numbers = [driver.publish(site(word))["generation"] for word in ("one", "two", "three")]
    driver.shell(f"mount --bind {GENERATIONS}/{numbers[0]}/sites {GENERATIONS}/{numbers[0]}/sites")
    try:
        changed = driver.publish(site("four"), patch={"_nginx.generation.KEEP": 1})
    finally:
        driver.shell(f"umount {GENERATIONS}/.{numbers[0]}.gatehouse-new/sites")
    assert (changed["failed"], changed["changed"]) == (False, True), changed.get("msg")
    assert any("removing old generations failed afterwards" in text for text in changed["warnings"])
    assert extra.get("/word").text == "four"


def test_a_record_of_what_nginx_has_read_that_cannot_be_written(driver, extra):
    driver.publish(site("old"))
    driver.shell(f"rm {RECORD}; mkdir {RECORD}")
    try:
        changed = driver.publish(site("new"))
        assert (changed["failed"], changed["changed"], changed["reloaded"]) == (False, True, True), changed.get("msg")
        assert any("recording what nginx has read failed afterwards" in text for text in changed["warnings"])
        assert extra.get("/word").text == "new"
    finally:
        driver.shell(f"rmdir {RECORD}")


def test_an_error_before_the_switch_names_the_attempt_and_the_state(driver):
    answer = driver.publish(site("new"), patch={"_nginx.plan.compose": None})
    assert answer["failed"]
    assert answer["msg"].startswith(
        "Failed while publishing site 'extra': TypeError: 'NoneType' object is not callable. "
        "This is a defect in gatehouse.django (plugins/module_utils/_nginx/plan.py, line "
    )
    assert answer["msg"].endswith("please report it with this message. The live configuration is as it was.")


def test_an_unexpected_error_is_rolled_back(driver, extra):
    """A mistake of the collection's own after the switch, in the place of the reload."""
    live = driver.publish(site("old"))["generation"]
    answer = driver.publish(site("new"), patch={"_nginx.reload.reload": None})
    assert answer["failed"]
    assert "TypeError: 'NoneType' object is not callable." in answer["msg"]
    assert "The live configuration is as it was, and nginx serves it as before." in answer["msg"]
    assert driver.info()["generation"] == live
    assert extra.get("/word").text == "old"
    assert driver.publish(SHOP, site("new"))["changed"]
