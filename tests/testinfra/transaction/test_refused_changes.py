"""A change that nginx does not accept never becomes live, and a second run fails in the same way."""

import pytest
from helpers.sites import answers
from helpers.sites import extra as site
from helpers.states import file_of_another_owner

UPSTREAM = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}
# What is wrong with the site, and what of nginx's own words and of the option the message has.
WRONG = {
    "a directive that nginx does not know": (
        site(snippet="no_such_directive on;"),
        ['[emerg] unknown directive "no_such_directive"', "site 'extra', option 'snippet'"],
    ),
    "a directive in a location that nginx does not know": (
        site(locations=[UPSTREAM | {"snippet": "no_such_directive on;"}]),
        ['[emerg] unknown directive "no_such_directive"', "site 'extra', option 'snippet' of location '/'"],
    ),
    "a value that nginx does not take": (
        site(snippet="keepalive_timeout soon;"),
        ['[emerg] "keepalive_timeout" directive invalid value', "site 'extra'"],
    ),
    "a certificate that is not there": (
        site(snippet="ssl_certificate /no/such.pem; ssl_certificate_key /no/such.key;"),
        [
            '[emerg] cannot load certificate "/no/such.pem"',
            "No such file or directory",
            "site 'extra', option 'snippet'",
        ],
    ),
    "an included file that is not there": (
        site(snippet="include /no/such.conf;"),
        ['[emerg] open() "/no/such.conf" failed (2: No such file or directory)', "site 'extra', option 'snippet'"],
    ),
    "a log in a directory that is not there": (
        site(snippet="error_log /no/such/error.log;"),
        ['[emerg] open() "/no/such/error.log" failed (2: No such file or directory)', "site 'extra', option 'snippet'"],
    ),
    "an option that a snippet sets again": (
        site(snippet="client_max_body_size 1m;"),
        ['[emerg] "client_max_body_size" directive is duplicate', "site 'extra', option 'snippet'"],
    ),
    "an option of a location that its snippet sets again": (
        site(locations=[UPSTREAM | {"proxy_read_timeout": "5s", "snippet": "proxy_read_timeout 9s;"}]),
        ['[emerg] "proxy_read_timeout" directive is duplicate', "site 'extra', option 'snippet' of location '/'"],
    ),
    "a host that has no address": (
        site(locations=[{"path": "/", "proxy_pass": "http://no-such-host.invalid:8000"}]),
        ['[emerg] host not found in upstream "no-such-host.invalid', "site 'extra', option 'proxy_pass'"],
    ),
    "an address that the host does not have": (
        site(listen=["192.0.2.1:8099"]),
        ["[emerg] bind() to 192.0.2.1:8099 failed (99: Cannot assign requested address)", "'listen' of site extra"],
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_site_that_nginx_refuses_is_refused_with_its_message(refuse, wrong):
    given, words = WRONG[wrong]
    message = refuse(given)
    for word in [*words, "The live configuration is as it was"]:
        assert word in message


def test_a_valid_site_is_not_published_with_an_invalid_one(refuse, driver):
    message = refuse(
        site(snippet="no_such_directive on;"),
        site(name="right", server_name=["right.example.test"]),
    )
    assert "site 'extra'" in message
    assert "site 'right'" not in message
    assert driver.info()["sites"].keys() == {"shop"}


def test_an_http_snippet_that_nginx_refuses(refuse):
    message = refuse(nginx_conf={"manage": "always", "http_snippet": "no_such_directive on;"})
    assert '[emerg] unknown directive "no_such_directive"' in message
    assert "'http_snippet'" in message


@pytest.mark.parametrize("snippet", ["location /x {", "}", 'set $word "extra;', "set $word extra"])
def test_an_unbalanced_snippet_is_refused_before_nginx_reads_it(refuse, snippet):
    assert "site 'extra': snippet is not valid on its own" in refuse(site(snippet=snippet))
    assert "http_snippet is not valid on its own" in refuse(nginx_conf={"manage": "always", "http_snippet": snippet})


def test_a_name_that_another_file_serves(driver, refuse):
    with file_of_another_owner(driver, "# Mine.\n\nserver { listen 80; server_name extra.example.test; }") as path:
        message = refuse(site())
    assert "extra.example.test" in message
    assert "site extra" in message
    assert f"{path}:3" in message


def test_after_a_refusal_the_same_site_can_be_published(driver, extra):
    assert driver.publish(site(snippet="no_such_directive on;"))["failed"]
    assert driver.publish(site())["changed"]
    assert extra.get("/word").text == "extra"


def test_a_refused_change_of_a_site_leaves_the_site_as_it_was(driver, refuse, extra):
    driver.publish(site())
    refuse(site(snippet=answers("other") + "no_such_directive on;"))
    assert extra.get("/word").text == "extra"
