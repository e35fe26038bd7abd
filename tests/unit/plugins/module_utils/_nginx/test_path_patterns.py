"""A pattern as a path is refused: its rules would protect nothing."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.path_patterns import check_no_pattern
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import check_path


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("/admin/*", "write '/admin/', which"),
        ("/admin*", "write out the paths"),
        ("/*/edit/", "write out the paths"),
        ("/shop/<int:pk>/edit/", "write '/shop/', which"),
        ("/^admin/", "write out the paths"),
        ("/api/(v1|v2)/", "write '/api/', which"),
        (r"/api/v\d+/", "write '/api/', which"),
        ("/api/v[0-9]+/", "write '/api/', which"),
        ("/a/(?P<slug>x)/", "write '/a/', which"),
        ("/a/.+", "write '/a/', which"),
        (r"/a/x\.html", "write '/a/', which"),
    ],
)
def test_patterns(path, remedy):
    with pytest.raises(ValueError, match=r"contains '.+' of a pattern, but a path stands") as refusal:
        check_path(path)
    assert remedy in str(refusal.value)
    assert "a location with a regular expression in 'snippet'" in str(refusal.value)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/admin/", "/wiki/Python_(language)/", "/a+b/", "/a.b/", "/~user/", "/a b/", "/é/", '/q"uo\\te/'),
        *("/a;b{c}/", "/pages/[slug].js", "/@x/", "/a!b/", "/a,b/", "/a=b/", "/a:b/", "/x^2/"),
    ],
)
def test_paths(path):
    assert check_no_pattern(path) is None
