"""The role's sites become the module's."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.gatehouse.django.plugins.filter.django_sites import FilterModule

django_sites = FilterModule().filters()["django_sites"]


def test_an_app_needs_its_name_only():
    assert django_sites([{"name": "s", "server_name": ["s.example"], "app": "shop"}]) == [
        {
            "name": "s",
            "server_name": ["s.example"],
            "locations": [
                {"path": "/static/", "alias": "/srv/shop/current/static/"},
                {"path": "/media/", "alias": "/srv/shop/data/media/", "untrusted": True},
                {"path": "/", "proxy_pass": "http://unix:/srv/shop/current/web.sock"},
            ],
        }
    ]


def test_an_upstream_has_no_files_of_its_own():
    (site,) = django_sites([{"name": "s", "upstream": "http://127.0.0.1:8000", "proxy_read_timeout": "5s"}])
    assert site["locations"] == [{"path": "/", "proxy_pass": "http://127.0.0.1:8000", "proxy_read_timeout": "5s"}]


def test_protected_media_and_websockets():
    (site,) = django_sites(
        [
            {
                "name": "s",
                "upstream": "http://a",
                "proxy_read_timeout": "5s",
                "protected_media": {"/p/": "/srv/p/"},
                "websocket_paths": ["/ws/"],
            }
        ]
    )
    assert site["locations"][:2] == [
        {"path": "/p/", "alias": "/srv/p/", "internal": True},
        {"path": "/ws/", "websocket": True, "proxy_pass": "http://a"},
    ]


@pytest.mark.parametrize("options", [{}, {"app": "a", "upstream": "http://a"}])
def test_needs_app_or_upstream(options):
    with pytest.raises(AnsibleFilterError, match=r"site 's' needs exactly one of 'app'.*and 'upstream'"):
        django_sites([{"name": "s"} | options])


def test_an_absent_site_needs_its_name_only():
    assert django_sites([{"name": "s", "state": "absent"}]) == [{"name": "s", "state": "absent"}]
