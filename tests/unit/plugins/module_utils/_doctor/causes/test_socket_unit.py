"""The socket unit of an app is missing or not active."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import socket_unit
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

APP = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; }"
SOCKET = "shop-web@1.socket"


@pytest.fixture
def explain(visit_to, release):
    def explain(state, status=502):
        outputs = [(f"systemctl show {SOCKET}", state)]
        return socket_unit.explain(visit_to(APP, ("http://shop.test/", Answer(status)), outputs=outputs))

    return explain


@pytest.mark.parametrize(
    ("state", "words", "remedy"),
    [
        ("LoadState=not-found\nActiveState=inactive\n", f"The unit file of {SOCKET}", "gatehouse.django.site"),
        ("LoadState=loaded\nActiveState=inactive\nSubState=dead\n", "is inactive (dead)", "restart shop-web`"),
    ],
)
def test_the_socket_unit(explain, state, words, remedy):
    finding = explain(state)
    assert words in finding.cause
    assert remedy in finding.remedy
    assert explain(state, 500) is None


def test_an_active_unit(explain):
    assert explain("LoadState=loaded\nActiveState=active\n") is None
