"""The role's paths become locations that serve what their path has served before."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.site_paths import check_paths, with_paths

ROOT = {"path": "/", "proxy_pass": "http://a"}
STATIC = {"path": "/static/", "alias": "/srv/static/"}
MEDIA = {"path": "/media/", "alias": "/srv/media/", "untrusted": True}
FILE = {"path": "/robots.txt", "alias": "/srv/robots.txt"}
SITE = [STATIC, MEDIA, FILE, ROOT]
RULES = {"deny": ["all"]}


def added(path, locations=None):
    locations = SITE if locations is None else locations
    found = with_paths(locations, {path: RULES})
    return [location for location in found if location not in locations]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/admin/", [{"path": "/admin/", "proxy_pass": "http://a"}]),
        ("/admin", [{"path": "/admin", "proxy_pass": "http://a"}]),
        ("/", [ROOT]),
        ("/static/", [STATIC]),
        ("/static", [STATIC]),
        ("/staticx/", [{"path": "/staticx/", "proxy_pass": "http://a"}]),
        ("/robots.txt", [FILE]),
        ("/robots.txt.bak", [{"path": "/robots.txt.bak", "proxy_pass": "http://a"}]),
        ("/media/a/", [{"path": "/media/a/", "alias": "/srv/media/a/", "untrusted": True}]),
        (
            "/media/a",
            [
                {"path": "/media/a", "alias": "/srv/media/a", "untrusted": True},
                {"path": "/media/a/", "alias": "/srv/media/a/", "untrusted": True},
            ],
        ),
    ],
)
def test_with_paths(path, expected):
    assert added(path) == [location | RULES for location in expected]


def test_a_websocket_stays_one():
    socket = {"path": "/ws/", "websocket": True, "proxy_pass": "http://a"}
    assert added("/ws", [socket, ROOT]) == [socket | RULES]
    # What it does not set it inherits.
    assert added("/ws/a/", [socket, ROOT]) == [{"path": "/ws/a/", "proxy_pass": "http://a"} | RULES]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ({"admin/": {}}, "s: paths 'admin/' must start with '/'"),
        ({"/a/../b/": {}}, "s: paths '/a/../b/' never matches a request"),
        ({"/admin/": {}, "/admin": {}}, "s: paths '/admin/' and '/admin' are the same path: merge them"),
        ({"/admin/": None}, r"s: paths\[/admin/\] is not a dictionary of rules: write one like"),
        ({"/admin/": {"raet": "5r/m"}}, r"s: paths\[/admin/\]: unknown option 'raet': did you mean 'rate'\?"),
        ({"/admin/": {"alias": "/srv/"}}, r"s: paths\[/admin/\]: unknown option 'alias'"),
    ],
)
def test_refuses(paths, message):
    with pytest.raises(ValueError, match=message):
        check_paths(paths, "s")
