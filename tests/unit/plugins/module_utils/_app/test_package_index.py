"""A package index is asked for the versions of Python that a package requires."""

from __future__ import annotations

import io
import json
from urllib.error import HTTPError

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import package_index

HTML = """<!DOCTYPE html><body>
<a href="../files/shop-1.2.tar.gz#sha256=00" data-requires-python="&gt;=3.12">shop-1.2.tar.gz</a>
<a href="https://files.example.com/Shop_Front-1.2-py3-none-any.whl" data-requires-python="&gt;=3.13,&lt;4">x</a>
"""


def page(**files):
    return json.dumps({"files": [{"filename": name, "requires-python": found} for name, found in files.items()]})


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """ask(pages, pinned, **variables): the specifiers found, and what was fetched with which password."""
    monkeypatch.setattr(package_index, "CONFIGURATION", str(tmp_path / "uv.toml"))

    def ask(pages, pinned="shop==1.2", **variables):
        fetched = []

        def make_fetch(authorization, accept, _seconds):
            def fetch(url):
                fetched.append((url, authorization))
                assert accept.startswith("application/vnd.pypi.simple.v1+json")
                answer = pages.get(url, 404)
                if isinstance(answer, int):
                    raise HTTPError(url, answer, "no", {}, None)
                return io.BytesIO(answer.encode())

            return fetch

        found = package_index.requirements(pinned, variables, make_fetch)
        return [(one["specifier"], one["file"]) for one in found], fetched

    return ask


OF_SHOP = f"{package_index.PYPI}/shop/"


@pytest.mark.parametrize(
    ("text", "pinned", "expected"),
    [
        (page(**{"shop-1.2.tar.gz": ">=3.12", "shop-1.1.tar.gz": ">=3.9"}), "shop==1.2", ">=3.12"),
        (page(**{"Shop-1.2.0-py3-none-any.whl": ">=3.12"}), "shop[web]==1.2", ">=3.12"),
        (page(**{"shop-1.2.post1-1-py3-none-any.whl": ">=3.12"}), "shop==1.2.post1", ">=3.12"),
        (HTML, "shop==1.2", ">=3.12"),
        (HTML, "shop-front==1.2", ">=3.13,<4"),
        # uv chooses one of them.
        (page(**{"shop-1.2.tar.gz": ">=3.12", "shop-1.2-py3-none-any.whl": ">=3.9"}), "shop==1.2", None),
        (page(**{"shop-1.2.tar.gz": None}), "shop==1.2", None),
        (page(**{"shop-extra-1.2.tar.gz": ">=3.12", "shop-1.20.zip": ">=3.12"}), "shop==1.2", None),
        (page(**{"shop-1.2.tar.gz.asc": ">=3.12"}), "shop==1.2", None),
        ("{", "shop==1.2", None),
        ('{"files": [1]}', "shop==1.2", None),
        ("", "shop==1.2", None),
    ],
)
def test_what_a_page_says(ask, text, pinned, expected):
    name = pinned.partition("==")[0].partition("[")[0]
    found, _fetched = ask({f"{package_index.PYPI}/{name}/": text}, pinned)
    assert [specifier for specifier, _file in found] == ([expected] if expected else [])


def test_the_indexes_of_the_app_are_asked_in_the_order_of_uv(ask):
    pages = {"https://mirror.example.com/simple/shop/": page(**{"shop-1.2.tar.gz": ">=3.12"})}
    variables = {
        "UV_INDEX": "https://bot:p%40ss@one.example.com/simple/ corp-x=https://two.example.com/simple",
        "UV_INDEX_CORP_X_USERNAME": "me",
        "UV_INDEX_CORP_X_PASSWORD": "s3cr3t",
        "UV_DEFAULT_INDEX": "https://mirror.example.com/simple",
    }
    found, fetched = ask(pages, **variables)
    assert found == [(">=3.12", "shop-1.2.tar.gz")]
    assert fetched == [
        ("https://one.example.com/simple/shop/", "bot:p@ss"),
        ("https://two.example.com/simple/shop/", "me:s3cr3t"),
        ("https://mirror.example.com/simple/shop/", ""),
    ]


def test_an_index_that_refuses_is_left_to_uv(ask):
    pages = {"https://one.example.com/shop/": 403, OF_SHOP: page(**{"shop-1.2.tar.gz": ">=3.12"})}
    found, fetched = ask(pages, UV_INDEX="https://one.example.com")
    assert (found, len(fetched)) == ([], 1)


@pytest.mark.parametrize(
    "variables",
    [{"UV_FIND_LINKS": "/opt/wheels"}, {"UV_NO_INDEX": "1"}, {"UV_INDEX": "/srv/index"}, {"UV_DEFAULT_INDEX": "x"}],
)
def test_where_uv_looks_elsewhere_no_index_is_asked(ask, variables):
    assert ask({OF_SHOP: HTML}, **variables) == ([], [])


def test_the_host_can_configure_uv(ask, tmp_path, monkeypatch):
    configuration = tmp_path / "uv.toml"
    monkeypatch.setattr(package_index, "CONFIGURATION", str(configuration))
    pages = {OF_SHOP: page(**{"shop-1.2.tar.gz": ">=3.12"})}
    for text, is_asked in (("native-tls = true", True), ('[[index]]\nurl = "https://i"', False)):
        configuration.write_text(text)
        assert bool(ask(pages)[1]) is is_asked
