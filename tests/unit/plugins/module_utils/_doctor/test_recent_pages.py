"""Which requests of nginx's log a rehearsal repeats."""

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import recent_pages

LINE = {
    "host": "shop.test",
    "method": "GET",
    "uri": "/",
    "status": 200,
    "upstream_addr": "unix:/srv/shop/current/web.sock",
}


def chosen(*changes):
    return recent_pages.choose([json.dumps(LINE | change) for change in changes], "shop")


def test_pages_that_differ_in_numbers_are_one_and_the_usual_ones_come_first():
    key = "f9a0286e0f854b62bfb04224c6278774"
    uris = ["/a/?q=1", "/order/1/", "/order/27/?page=2", f"/k/{key}/", f"/k/{key[::-1]}/", "/k/0123456789abcdef0/"]
    assert chosen(*({"uri": uri} for uri in uris)) == [
        ("shop.test", "/k/0123456789abcdef0/"),
        ("shop.test", "/order/27/?page=2"),
        ("shop.test", "/a/?q=1"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"status": 404},
        {"status": "-"},
        {"upstream_addr": ""},
        {"upstream_addr": "unix:/srv/other/current/web.sock"},
        {"uri": "/a b"},
        {"uri": "//[\x00"},
        {"uri": "*"},
        {"host": "a b"},
    ],
)
def test_other_requests_are_left_out(change):
    assert chosen(change) == []


def test_lines_of_another_format_are_left_out():
    assert recent_pages.choose(["", "[]", "1", "{}", '10.0.0.1 - - "GET /"', "[" * 100_000], "shop") == []


def test_their_number_is_limited():
    assert len(chosen(*({"uri": f"/{'x' * number}/"} for number in range(1, 100)))) == recent_pages.MAX_PAGES


def test_a_host_without_nginx_has_none():
    assert recent_pages.recent_pages(lambda *_arguments: (1, "", ""), None, "shop") == []
