"""An authority asks one of several hosts of a site for a challenge, and any of them may have it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.sites import SHOP
from helpers.sites import extra as site

PATH = "/.well-known/acme-challenge/"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"


@pytest.fixture
def published(driver):
    # Nothing listens on the first one.
    yield driver.publish(site(tls="acme", acme_peers=["127.0.0.1:9", "127.0.0.1:8000"]))
    driver.publish(SHOP, purge=True)
    driver.shell("rm -rf /etc/nginx/gatehouse/certificates /run/gatehouse-nginx-certificates")


def test_a_challenge_that_the_host_lacks_is_asked_of_the_others(published, extra):
    assert not published["failed"], published["msg"]
    asked = extra.get(f"{PATH}{TOKEN}").json()
    assert (asked["answered by"], asked["path"]) == ("the upstream shop", f"{PATH}{TOKEN}")
    assert asked["headers"]["Host"] == "extra.example.test"


def test_a_host_that_is_asked_by_another_one_asks_no_further(published, extra):
    sent = extra.get(f"{PATH}{TOKEN}").json()["headers"]
    assert extra.get(f"{PATH}{TOKEN}", x_gatehouse_challenge=sent["X-Gatehouse-Challenge"]).status == 404


def test_a_challenge_of_the_host_itself_is_answered_by_it(host, published, extra):
    place = f"/var/lib/gatehouse/acme{PATH}"
    host.run_expect([0], f"mkdir -p {place} && echo mine > {place}own")
    try:
        assert extra.get(f"{PATH}own").text == "mine\n"
    finally:
        host.run(f"rm {place}own")


@pytest.mark.parametrize(
    "path", ["token", f"{TOKEN}/more", f"{TOKEN}?a=b", f"{TOKEN}%0a", f"x%2f..%2f{TOKEN}", "a" * 129]
)
def test_the_others_are_asked_for_nothing_but_a_token(published, extra, path):
    answer = extra.get(f"{PATH}{path}")
    assert answer.status == 404
    assert "the upstream shop" not in answer.text


def test_a_client_cannot_make_the_host_ask_the_others_without_end(published, extra):
    with ThreadPoolExecutor(32) as pool:
        assert 429 in pool.map(lambda _number: extra.get(f"{PATH}{TOKEN}").status, range(500))
    # What it does not pass on is not counted.
    assert extra.get(f"{PATH}token").status == 404
