"""The static files that a page refers to."""

from __future__ import annotations

import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.references import static_names

URL = "https://shop.example.com/cart/"


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ('<link rel="stylesheet" href="/static/a.css">', ["a.css"]),
        ("<script async src='/static/js/a.js?v=1'></script>", ["js/a.js"]),
        ("<IMG ALT=x SRC=/static/a%20b.png>", ["a b.png"]),
        ('<script src="/static/a.js"></script><script src="/static/a.js"></script>', ["a.js"]),
        ('<link href="//shop.example.com/static/a.css">', ["a.css"]),
        ('<link href="../static/a.css&amp;b">', ["a.css&b"]),
        ('<link href="https://cdn.example.com/static/a.css">', []),
        ('<link href="/media/a.css"><a href="/static/a.pdf">', []),
        ('<link data-href="/static/a.css">', []),
        ('<!-- <link href="/static/old.css"> --><link href="/static/new.css">', ["new.css"]),
        ('<!-- never ends <link href="/static/old.css">', []),
        ('<link href="/static/../../etc/passwd"><link href="/static/"><link href="http://[bad/static/x">', []),
    ],
)
def test_files_below_the_static_url(tag, names):
    assert static_names(f"<html>{tag}</html>", URL, "/static/") == names


def test_another_static_url():
    page = '<link href="https://cdn.example.com/a.css"><link href="/static/a.css">'
    assert static_names(page, URL, "https://cdn.example.com/") == []
    assert static_names(page, URL, "") == []


@pytest.mark.parametrize(
    "page", ["<link " * 80_000, "<!--" * 120_000, "<link " + "href=" * 100_000, "<link x" + " " * 500_000]
)
def test_a_hostile_page_takes_no_time(page):
    started = time.monotonic()
    assert static_names(page, URL, "/static/") == []
    assert time.monotonic() - started < 2
