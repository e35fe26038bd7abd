"""A page cache and a password for the same place."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_sites
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC

ROOT = {"path": "/", "proxy_pass": "http://a"}
USERS = {"ann": "x31337"}


def check(*locations, **options):
    site = {"name": "shop", "server_name": ["a.example"], "locations": [*locations], **options}
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]})
    assert result.error_messages == []
    check_sites(result.validated_parameters["sites"])


@pytest.mark.parametrize(
    ("locations", "options", "place"),
    [
        ([ROOT], {"basic_auth": USERS, "page_cache": "9s"}, "site 'shop': page_cache"),
        ([ROOT, ROOT | {"path": "/a/", "page_cache": "9s"}], {"basic_auth": USERS}, "site 'shop', location '/a/':"),
        ([ROOT, ROOT | {"path": "/a/", "page_cache": "9s", "basic_auth": USERS}], {}, "site 'shop', location '/a/':"),
    ],
)
def test_it_never_keeps_a_page(locations, options, place):
    with pytest.raises(ValueError, match="page_cache has no effect with 'basic_auth'") as refusal:
        check(*locations, **options)
    assert str(refusal.value).startswith(place)


@pytest.mark.parametrize(
    ("locations", "options"),
    [
        # The cache is for the rest of the site.
        ([ROOT, ROOT | {"path": "/admin/", "basic_auth": USERS}], {"page_cache": "9s"}),
        ([ROOT, ROOT | {"path": "/open/", "basic_auth": {}}], {"basic_auth": USERS, "page_cache": "9s"}),
        ([ROOT, ROOT | {"path": "/a/", "page_cache": "off", "basic_auth": USERS}], {}),
    ],
)
def test_it_keeps_pages_of_other_paths(locations, options):
    check(*locations, **options)
