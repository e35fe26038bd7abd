"""Rules for paths of the guestbook: who may ask, how often, and what nginx answers to all others."""

import random

import pytest

NAME = "guestbook.example.test"
ANN = "--user 'ann:open sesame'"
LIMIT = 20 * 1024 * 1024


@pytest.fixture
def client():
    """The option with which curl is a client that was not there before: nginx counts over a reload."""
    return "--interface 127." + ".".join(str(random.randrange(1, 255)) for _number in range(3))


@pytest.fixture
def inside(host):
    """The status of a request from the host itself, whose path is sent as it is written."""

    def ask(path, options=""):
        command = f"curl --path-as-is --max-time 60 -s -o /dev/null -w '%{{http_code}}' -H 'Host: {NAME}' {options}"
        return int(host.check_output(f"{command} 'http://127.0.0.1{path}'"))

    return ask


@pytest.mark.parametrize("path", ["/guarded/", "/guarded/a", "/guarded", "/guarded/slow/", "/guarded/slow"])
def test_a_network_and_a_password_are_both_needed(guestbook, inside, path):
    refused = guestbook.get(path)
    assert (refused.status, refused.title(), refused.headers["Retry-After"]) == (403, "Not allowed", None)
    assert inside(path) == 401
    assert inside(path, "--user ann:wrong") == 401
    assert inside(path, ANN) == 404


def test_a_password_has_its_page(host):
    page = host.check_output(f"curl -s -H 'Host: {NAME}' http://127.0.0.1/guarded/")
    assert "Password required" in page


def test_an_opened_path_opens_no_other(inside, guestbook):
    assert inside("/guarded/open/") == 404
    assert guestbook.get("/guarded/open/").status == 403
    paths = ["/guarded//open/", "/guarded/%2fopen/", "//guarded/open/", "/guarded/open/../a", "/guarded/open/%2e%2e/a"]
    paths += ["/guarded/x/..%2fopen/", "/guarded/x%2f../open/", "/guarded/./open/"]
    assert {path: inside(path) for path in paths} == dict.fromkeys(paths, 400)


def test_too_many_requests(host, inside, client):
    paths = ["/limited/", "/limited/a", "/limited", "/limited/?b"]
    assert [inside(path, client) for path in paths] == [404, 404, 429, 429]
    refused = host.check_output(f"curl -s -i {client} -H 'Host: {NAME}' http://127.0.0.1/limited/")
    for expected in ("Retry-After: 30", "Cache-Control: no-store", "<title>Too many requests</title>"):
        assert expected in refused
    assert inside("/healthz", client) == 200


def test_a_body_that_is_too_large_has_its_page(guestbook):
    answer = guestbook.request("POST", "/", {"Content-Length": str(LIMIT + 1)})
    assert (answer.status, answer.title(), answer.headers["Retry-After"]) == (413, "Too large", None)
