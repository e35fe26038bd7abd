"""Of several applications of a site, one can send what is at an internal location."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_sites
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC

HOME, SHOP = "http://127.0.0.1:8000", "http://unix:/run/shop.sock"


def sites(*locations):
    given = [{"path": "/", "proxy_pass": HOME}, {"path": "/shop/", "proxy_pass": SHOP}, *locations]
    site = {"name": "www", "server_name": ["www.example"], "locations": given}
    return ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]}).validated_parameters["sites"]


def files(**options):
    return {"path": "/files/", "alias": "/srv/files/"} | options


def test_a_sender_is_an_application_of_the_site():
    check_sites(sites(files(internal=True, sent_by=SHOP)))
    with pytest.raises(ValueError, match=rf"sent_by 'http://shop' is not the proxy_pass .* use one of {HOME}, {SHOP}"):
        check_sites(sites(files(internal=True, sent_by="http://shop")))


def test_clients_can_request_what_is_not_internal():
    with pytest.raises(ValueError, match=r"location '/files/': sent_by .* has no effect without 'internal: true'"):
        check_sites(sites(files(sent_by=SHOP)))
