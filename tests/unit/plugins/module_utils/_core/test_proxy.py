"""One option becomes the variables of all programs."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core.proxy import environment, passwords, problem

URL = "http://bot:s3cr%40t@proxy.example.com:3128"


def test_every_program_finds_its_variable():
    found = environment({"url": URL, "no_proxy": ["git.example.com", "10.0.0.0/8"]})
    assert {found[name] for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")} == {URL}
    assert found["no_proxy"] == found["NO_PROXY"] == "localhost,127.0.0.1,::1,git.example.com,10.0.0.0/8"
    assert environment({}) == environment(None) == environment({"url": None, "no_proxy": []}) == {}


def test_passwords_are_known_in_both_forms():
    assert passwords({"url": URL}) == [URL, "s3cr%40t", "s3cr@t"]
    assert passwords({"url": "http://proxy.example.com:3128"}) == passwords({}) == passwords(None) == []


@pytest.mark.parametrize("url", [URL, "http://10.0.0.1:3128", "http://[2001:db8::1]:3128/", "http://bot@proxy:8080"])
def test_right_urls(url):
    assert problem({"url": url, "no_proxy": [".example.com", "10.0.0.0/8", "*"]}) == ""


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ({"url": "proxy.example.com:3128"}, "url must be like"),
        ({"url": "socks5://proxy.example.com:1080"}, "url must be like"),
        ({"url": "http://proxy.example.com"}, "url must be like"),
        ({"url": "http://bot:s3cret/x@proxy:3128"}, "like %40 for @"),
        ({"url": "http://bot:s3cret\nA=b@proxy:3128"}, "url must be like"),
        ({"url": URL, "no_proxy": "a,b"}, "no_proxy must be a list"),
        ({"url": URL, "no_proxy": ["a b"]}, "no_proxy must be a list"),
        ({"no_proxy": ["a"]}, "no_proxy needs a url"),
        ({"urll": URL}, "unknown key 'urll'"),
        (URL, "write it as a dictionary"),
    ],
)
def test_wrong_options_are_named_without_their_passwords(proxy, words):
    assert words in problem(proxy)
    assert "s3cr" not in problem(proxy)
