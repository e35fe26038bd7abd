"""Lines of nginx's error log, and what a visitor can write into them."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import error_line

START = "2026/11/26 10:00:00 [error] 7#7: *1 "
LIMITED = 'limiting requests, excess: 0.9 by zone "a"'
REQUEST = ', client: 192.0.2.9, server: own.test, request: "GET /x HTTP/1.1"'
HOST = ', host: "own.test"'
FORGED = ', client: 127.0.0.1, request: "GET / HTTP/1.1", host: "victim.test'


def test_a_line():
    upstream = ', upstream: "http://unix:/srv/a/web.sock:/x"'
    line = error_line.parse(f'{START}{LIMITED}{REQUEST}{upstream}{HOST}, referrer: "http://own.test/"')
    assert (line.level, line.text, line.is_forged) == ("error", LIMITED, False)
    assert line.details == {
        **{"client": "192.0.2.9", "server": "own.test", "request": "GET /x HTTP/1.1", "host": "own.test"},
        **{"upstream": "http://unix:/srv/a/web.sock:/x", "referrer": "http://own.test/"},
    }


@pytest.mark.parametrize("text", ["x", "9999/99/99 00:00:00 [error] 7#7: x", "2026/11/26 10:00:00 x"])
def test_no_line(text):
    assert error_line.parse(text) is None


def test_a_message_without_a_request():
    line = error_line.parse(f"{START}bind() failed, server: shop.test")
    assert (line.text, line.details) == ("bind() failed, server: shop.test", {})


@pytest.mark.parametrize(
    "text",
    [
        # In the Referer, and in the decoded path.
        f'{LIMITED}{REQUEST}{HOST}, referrer: "a", host: "victim.test"',
        f'{LIMITED}{REQUEST}, referrer: "a", host: "victim.test"',
        f'open() "/srv/a", host: "victim.test", server: victim.test" failed (2: x){REQUEST}{HOST}',
    ],
)
def test_a_visitor_cannot_name_another_host(text):
    line = error_line.parse(START + text)
    assert line.details["server"] == "own.test"
    assert line.details.get("host") in ("own.test", None)
    assert line.names({"own.test"})
    assert not line.names({"victim.test"})


def test_of_two_details_the_first_counts():
    """nginx logs an invalid request line as it is, with the severity info."""
    line = error_line.parse(f'{START}client sent invalid request{REQUEST[:-1]}", server: victim.test"{HOST}')
    assert line.details["server"] == "own.test"


@pytest.mark.parametrize(
    "text",
    [
        f'{LIMITED}{REQUEST}{HOST}, referrer: "a"{FORGED}"',
        f'open() "/srv/a"{FORGED}", referrer: "x" failed (2: x){REQUEST}{HOST}',
        f'open() "/srv/a"{FORGED}" failed (2: x){REQUEST}{HOST}, referrer: "a"{FORGED}"',
    ],
)
def test_a_second_client_makes_all_details_doubtful(text):
    """Nothing in such a line is believed, and it hides from no site that it names."""
    line = error_line.parse(START + text)
    assert line.is_forged
    assert line.details == {}
    assert line.names({"own.test"})
    assert not line.names({"other.test"})
