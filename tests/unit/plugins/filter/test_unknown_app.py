"""The message for an app that no host has."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.filter.unknown_app import unknown_app


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("shpo", ["blog", "shop"]), "app: unknown app 'shpo': did you mean 'shop'? Known: blog, shop."),
        (("x", ["blog", "shop"]), "app: unknown app 'x'. Known: blog, shop."),
        (("", ["blog"]), "app is missing: name the app, for example -e app=blog. Known: blog."),
        (("shop", []), "app: 'shop' is unknown: the hosts of this run have no app."),
        (("x", ["shop"], ["b", "a"]), "app: unknown app 'x'. Known: shop. Hosts that could not be asked: a, b."),
    ],
)
def test_unknown_app(arguments, message):
    assert unknown_app(*arguments) == f"{message} Nothing was changed."
