"""Generations are kept, listed and restored; other files are never changed."""

import datetime

import pytest
from helpers.kills import changes
from helpers.sites import SHOP
from helpers.sites import extra as site
from helpers.states import file_of_another_owner

KEPT = 10


def numbers(driver):
    return [generation["number"] for generation in driver.info()["generations"]]


def test_the_last_ten_generations_are_kept(driver):
    for number in range(KEPT + 2):
        driver.publish(site(f"word {number}"))
    assert len(numbers(driver)) == KEPT
    live = driver.info()["generation"]
    assert sorted(numbers(driver)) == list(range(live - KEPT + 1, live + 1))


def test_the_previous_generation_is_restored(driver, extra):
    driver.publish(site("old"))
    old = driver.ask("live_files")["files"]
    new = driver.publish(site("new"))["generation"]
    back = driver.publish(generation="previous")
    # As a new generation: what has been live stays as it was.
    assert (back["changed"], back["reloaded"], back["generation"]) == (True, True, new + 1)
    assert driver.ask("live_files")["files"] == old
    assert extra.get("/word").text == "old"


def test_restoring_the_previous_generation_twice_restores_the_first_state(driver, extra):
    driver.publish(site("old"))
    driver.publish(site("new"))
    driver.publish(generation="previous")
    assert driver.publish(generation="previous")["changed"]
    assert extra.get("/word").text == "new"


def test_a_generation_is_restored_by_its_number(driver, extra):
    words = {driver.publish(site(word))["generation"]: word for word in ("one", "two", "three")}
    for number, word in words.items():
        assert driver.publish(generation=str(number))["changed"]
        assert driver.publish(generation=str(number))["changed"] is False
        assert extra.get("/word").text == word


def test_restoring_the_live_generation_changes_nothing(driver):
    live = driver.publish(site())["generation"]
    again = driver.publish(generation=str(live))
    assert (again["changed"], again["reloaded"], again["generation"]) == (False, False, live)


def test_an_unknown_generation_is_refused_with_the_known_ones(driver, refuse):
    live = driver.publish(site())["generation"]
    message = refuse(generation="4711")
    assert "4711" in message
    assert str(live) in message


def test_a_word_other_than_previous_is_refused(refuse):
    assert "'yesterday'" in refuse(generation="yesterday")


@pytest.mark.parametrize("other", [{"sites": [SHOP]}, {"purge": True}, {"nginx_conf": {"manage": "auto"}}])
def test_a_generation_cannot_be_combined_with_a_change(refuse, other):
    sites = other.get("sites", [])
    message = refuse(*sites, generation="previous", **{key: other[key] for key in other if key != "sites"})
    assert "generation" in message
    assert next(iter(other)) in message


def test_an_old_generation_that_nginx_refuses_now_is_refused(driver, refuse, extra):
    driver.shell("touch /srv/included.conf")
    old = driver.publish(site(snippet="include /srv/included.conf;"))["generation"]
    driver.publish(site("new"))
    driver.shell("rm /srv/included.conf")
    message = refuse(generation=str(old))
    assert 'open() "/srv/included.conf" failed' in message
    assert extra.get("/word").text == "new"


def test_the_next_change_starts_from_the_restored_generation(driver, extra):
    old = driver.publish(site("old"))["generation"]
    new = driver.publish(site("new"))["generation"]
    driver.publish(generation=str(old))
    changed = driver.publish(SHOP | {"client_max_body_size": "9m"})
    assert changed["generation"] > new
    assert extra.get("/word").text == "old"


def test_nginx_info_lists_the_generations(driver):
    first = driver.publish(site())["generation"]
    driver.publish({"name": "extra", "state": "absent"})
    listed = {generation.pop("number"): generation for generation in driver.info()["generations"]}
    live = listed[max(listed)]
    created = datetime.datetime.fromisoformat(live.pop("created"))
    assert abs(datetime.datetime.now(datetime.UTC) - created) < datetime.timedelta(minutes=5)
    assert live == {"live": True, "applied": True, "sites": ["shop"], "owns_nginx_conf": True, "problem": None}
    assert listed[first]["sites"] == ["extra", "shop"]
    assert (listed[first]["live"], listed[first]["applied"]) == (False, False)


def test_a_refused_change_leaves_no_generation(driver):
    before = numbers(driver)
    assert driver.publish(site(snippet="no_such_directive on;"))["failed"]
    assert numbers(driver) == before


def test_an_unchanged_configuration_makes_no_generation(driver):
    driver.publish(site())
    before = numbers(driver)
    driver.publish(site())
    assert numbers(driver) == before


def test_other_files_are_never_changed(driver):
    """Neither their content nor mode, owner or time, nor those of their directories."""
    places = ["conf.d/theirs.conf", "sites-available/theirs", "sites-enabled/theirs", "snippets/theirs.conf"]
    files = " ".join(f"/etc/nginx/{place}" for place in places)
    driver.shell(f"for file in {files}; do echo '# Theirs.' > $file; chown www-data:adm $file; chmod 604 $file; done")
    try:
        before = theirs(driver)
        assert driver.publish(site())["changed"]
        assert driver.publish(site(snippet="no_such_directive on;"))["failed"]
        assert driver.publish(SHOP, purge=True)["changed"]
        assert theirs(driver) == before
        assert len(before) > 4
    finally:
        driver.shell(f"rm {files}")


def theirs(driver):
    found = driver.ask("snapshot", "/etc/nginx")
    ours = ("/etc/nginx/gatehouse", "/etc/nginx/nginx.conf")
    return {path: state for path, state in found.items() if not path.startswith(ours) and path != "/etc/nginx"}


def test_purge_keeps_other_files(driver):
    with file_of_another_owner(driver, "# Theirs.\n") as path:
        driver.publish(SHOP, purge=True)
        assert driver.shell(f"cat {path}") == "# Theirs."


def test_removed_generations_are_built_again(driver, extra):
    driver.publish(site())
    driver.shell("rm -r /etc/nginx/gatehouse/generations")
    made = driver.publish(SHOP, site(), nginx_conf={"manage": "always"})
    assert not made["failed"], made["msg"]
    assert extra.get("/word").text == "extra"


def test_a_generation_that_a_killed_run_finished_can_be_restored(driver, extra):
    """Killed after the proof, right before its last change to the disk."""
    driver.publish({"name": "extra", "state": "absent"})
    events = changes(driver, site("old"))
    driver.publish({"name": "extra", "state": "absent"})
    last = max(n for n, event in enumerate(events, 1) if event.startswith("os.chmod"))
    assert driver.die(site("old"), kill_at=last)["killed"]
    driver.publish(site("old"))
    driver.publish(site("new"))
    driver.publish(site("newer"))
    driver.publish(generation=str(driver.info()["generation"] - 2))
    assert extra.get("/word").text == "old"
