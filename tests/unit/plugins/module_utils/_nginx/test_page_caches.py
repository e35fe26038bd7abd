"""Caches are where nginx keeps its other files, and only those of sites stay."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import page_caches
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED


@pytest.mark.parametrize(
    ("argument", "root"),
    [
        ("--http-proxy-temp-path=/var/lib/nginx/proxy", "/var/lib/nginx"),
        ("--http-proxy-temp-path=/var/cache/nginx/proxy_temp", "/var/cache/nginx"),
        ("--http-proxy-temp-path=proxy_temp", "/var/lib/nginx"),
        ("--with-http_v3_module", "/var/lib/nginx"),
    ],
)
def test_root(argument, root):
    assert page_caches.root(EXPECTED | {"configure_arguments": [argument]}) == root


def test_prune(tmp_path):
    host = EXPECTED | {"configure_arguments": [f"--http-proxy-temp-path={tmp_path}/proxy"]}
    for name in ("gatehouse-pages-shop", "gatehouse-pages-shop-two", "proxy"):
        (tmp_path / name / "a").mkdir(parents=True)
    page_caches.prune(host, {"sites/shop.conf": f"proxy_cache_path {tmp_path}/gatehouse-pages-shop levels=1:2;"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gatehouse-pages-shop", "proxy"]
