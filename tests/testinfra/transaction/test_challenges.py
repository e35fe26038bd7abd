"""An authority asks one of several hosts of a site for a challenge, and any of them may have it."""

import pytest
from helpers.sites import extra as site

PATH = "/.well-known/acme-challenge/"


@pytest.fixture
def published(driver):
    # Nothing listens on the first one.
    return driver.publish(site(tls="acme", acme_peers=["127.0.0.1:9", "127.0.0.1:8000"]))


def test_a_challenge_that_the_host_lacks_is_asked_of_the_others(published, extra):
    assert not published["failed"], published["msg"]
    asked = extra.get(f"{PATH}token").json()
    assert (asked["answered by"], asked["path"]) == ("the upstream shop", f"{PATH}token")
    assert asked["headers"]["Host"] == "extra.example.test"


def test_a_host_that_is_asked_by_another_one_asks_no_further(published, extra):
    sent = extra.get(f"{PATH}token").json()["headers"]
    assert extra.get(f"{PATH}token", x_gatehouse_challenge=sent["X-Gatehouse-Challenge"]).status == 404


def test_a_challenge_of_the_host_itself_is_answered_by_it(host, published, extra):
    place = f"/var/lib/gatehouse/acme{PATH}"
    host.run_expect([0], f"mkdir -p {place} && echo mine > {place}own")
    try:
        assert extra.get(f"{PATH}own").text == "mine\n"
    finally:
        host.run(f"rm {place}own")
