"""A site behind another server: its blocks, and what they have in common."""

from __future__ import annotations

import re

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.render import render

BUILT = {"installed": True, "version": "1.26.3", "configure_arguments": ["--with-http_realip_module"]}
PROXY = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}
ONE = {"addresses": ["10.0.0.5"]}


def rendered(host=None, certified=(), **options):
    host = EXPECTED | {"user": "www-data", "symlinks": {}, "certified": {"shop": list(certified)}} | (host or BUILT)
    site = {"name": "shop", "server_name": ["shop.example"], "locations": [PROXY], "behind": ONE} | options
    sites = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]}).validated_parameters["sites"]
    return render(host, sites, None)["sites"]["shop"]


def blocks(**options):
    """Of each server: its names, whether it listens with TLS, where it redirects, and whether it serves the site."""
    text = rendered(**options)["content"]
    found = []
    for part in text.split("\nserver {\n")[1:]:
        names = re.search(r"server_name (.*);", part)[1]
        upgrade = re.search(r"if \(\$gatehouse_plain_\w+\) \{\n +return 308 (.*);", part)
        target = re.search(r"^ {4,8}return 308 (.*);", part.replace(upgrade[0] if upgrade else "\0", ""), re.MULTILINE)
        found.append((names, " ssl" in part, upgrade and upgrade[1], target and target[1], "proxy_pass" in part))
    return [tuple(re.sub(r"_[0-9a-f]{12}", "", str(one)) for one in block) for block in found]


def test_a_site_without_tls_redirects_to_the_visitors_scheme():
    target = "$gatehouse_scheme://shop.example$gatehouse_port$request_uri"
    assert blocks(redirect_from=["www.shop.example"]) == [
        ("www.shop.example", "False", "None", target, "False"),
        ("shop.example", "False", "None", "None", "True"),
    ]


def test_each_block_of_a_site_with_tls_serves_both_ports():
    found = blocks(tls="self_signed", server_name=["shop.example", "*.b.example"], redirect_from=["c.example"])
    assert found == [
        ("c.example", "True", "None", "https://shop.example$request_uri", "False"),
        ("shop.example", "True", "https://shop.example$request_uri", "None", "True"),
        ("*.b.example", "True", "https://$host$request_uri", "None", "True"),
    ]
    text = rendered(tls="self_signed", server_name=["*.b.example"])["content"]
    assert 'if ($host !~* "\\\\.b\\\\.example$") {\n        return 444;' in text


def test_a_name_without_a_certificate_is_not_redirected():
    names = ["shop.example", "b.example"]
    found = blocks(tls="acme", server_name=names, certified=["shop.example"])
    assert found == [
        ("shop.example", "True", "https://shop.example$request_uri", "None", "True"),
        ("b.example", "True", "None", "None", "True"),
    ]


def test_the_proxy_protocol_is_part_of_each_address():
    site = rendered(behind=ONE | {"proxy_protocol": True}, tls="self_signed")
    assert re.findall(r"listen (.*);", site["content"]) == ["80 proxy_protocol", "443 ssl proxy_protocol"]
    assert (site["proxy_protocol"], site["tls"]["options"]) == (True, ["ssl", "proxy_protocol"])
    assert "http_x_forwarded" not in site["content"]


def test_sites_with_the_same_front_share_their_variables():
    variable = re.search(r"gatehouse_front_\w+", rendered()["content"])[0]
    assert variable in rendered(client_max_body_size="1m")["content"]
    assert variable not in rendered(hsts="max-age=1")["content"]


def test_a_header_of_ones_own_is_dropped_once():
    text = rendered(behind=ONE | {"header": "X-Visitor-IP"})["content"]
    assert 'proxy_set_header X-Visitor-IP "";' in text
    assert 'proxy_set_header X_Visitor_IP "";' in text
    # proxy_behind.conf drops these.
    assert "proxy_set_header CF" not in rendered(behind=ONE | {"header": "CF-Connecting-IP"})["content"]


def test_an_nginx_without_the_module_is_refused():
    with pytest.raises(ValueError, match=r"site 'shop': behind needs nginx's module realip.*Nothing was changed"):
        rendered(BUILT | {"configure_arguments": []})
    # In check mode on a host without nginx.
    assert rendered({"installed": False})
