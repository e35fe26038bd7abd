"""The `ansible` command gives the same results as the driver of the other tests."""

from helpers.module import call
from helpers.sites import extra as site


def test_a_site_is_published(host, extra):
    published = call(host, "nginx_config", sites=[site()])
    assert (published["changed"], published["reloaded"], published["validated"]) == (True, True, "isolated")
    assert extra.get("/word").text == "extra"


def test_check_mode_prints_the_diff_and_leaves_no_trace(host, driver):
    before = driver.ask("snapshot", "/etc/nginx", "/var/lib/nginx")
    checked = call(host, "nginx_config", check=True, sites=[site()])
    assert driver.ask("snapshot", "/etc/nginx", "/var/lib/nginx") == before
    assert (checked["changed"], checked["validated"]) == (True, "isolated")
    assert "+++ after: /etc/nginx/gatehouse/live/sites/extra.conf" in checked["printed"]
    assert "+    server_name extra.example.test;" in checked["printed"]


def test_a_refusal_is_the_same_as_through_the_driver(host, driver):
    wrong = site(snippet="no_such_directive on;")
    assert call(host, "nginx_config", sites=[wrong])["msg"] == driver.publish(wrong)["msg"]


def test_a_refusal_of_the_action_plugin_is_the_same_as_through_the_driver(host, driver):
    wrong = site(server_name=["not a name"])
    assert call(host, "nginx_config", sites=[wrong])["msg"] == driver.publish(wrong)["msg"]


def test_the_previous_generation_is_restored(host, driver, extra):
    driver.publish(site("old"))
    driver.publish(site("new"))
    assert call(host, "nginx_config", generation="previous")["changed"]
    assert extra.get("/word").text == "old"
