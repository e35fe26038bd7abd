"""A snippet that cannot do what it says is refused, with what to write instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import snippet_conflicts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_sites
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import render

TEMPLATES = Path(render.__file__).parent / "templates"
APP = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}
FILES = {"path": "/static/", "alias": "/srv/shop/static/"}
ICON = {"path": "/favicon.ico", "alias": "/srv/shop/favicon.ico"}


def check(snippet="", app="", files="", **options):
    locations = [APP | {"snippet": app}, FILES | {"snippet": files}, ICON]
    site = {"name": "shop", "server_name": ["shop.example.com"], "locations": locations, "snippet": snippet}
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site | options]})
    assert not result.error_messages
    check_sites(result.validated_parameters["sites"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"snippet": "add_header X-Frame-Options 'DENY' always;"},
            "site 'shop': snippet has 'add_header X-Frame-Options DENY always', which nginx ignores .* 'headers'",
        ),
        (
            {"snippet": "gzip off;\nproxy_set_header X-Tenant a;"},
            r"snippet has 'proxy_set_header X-Tenant a', which nginx ignores, .* \(/\) .* 'snippet' of that location",
        ),
        ({"snippet": "proxy_buffer_size 64k;"}, "Gatehouse sets proxy_buffer_size in each proxied location .* Remove"),
        ({"snippet": "disable_symlinks off;"}, "Gatehouse sets disable_symlinks in each location with files"),
        ({"snippet": "location / { return 204; }"}, "'location /', and the site itself has that location"),
        ({"snippet": "location ^~ / { return 204; }"}, r"'location \^~ /', and the site itself has that location"),
        ({"snippet": "location = /favicon.ico { }"}, "'location = /favicon.ico', and the site itself has"),
        (
            {"app": "proxy_set_header host $http_host;"},
            "location '/': snippet has 'proxy_set_header host .*', and nginx sends host already",
        ),
        ({"app": "proxy_set_header Connection close;"}, "nginx sends Connection already"),
        ({"app": "proxy_redirect default;"}, "Gatehouse sets proxy_redirect in this location already"),
        ({"app": "add_header x-a 1;", "headers": {"X-A": "2"}}, "option 'headers' has x-a, too"),
        ({"files": "add_header Cache-Control private;"}, "sends Cache-Control already. Use the option 'cache_control'"),
        ({"files": "disable_symlinks off;"}, "in this location already. Use the option 'symlinks'"),
    ],
    ids=str,
)
def test_refuses(given, message):
    with pytest.raises(ValueError, match=message):
        check(**given)


@pytest.mark.parametrize(
    "given",
    [
        # nginx drops these headers: a second directive passes them on.
        {"app": "proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Tenant a; add_header X-A 1;"},
        {"snippet": "gzip off; client_body_timeout 9s; location /own/ { proxy_redirect off; return 204; }"},
        {"snippet": "location = / { return 204; }"},
        {"files": "add_header X-A 1; expires 1d;"},
        # Without a proxied location there is nothing that undoes it.
        {"snippet": "proxy_set_header X-Tenant a; location / { proxy_pass http://a; }", "locations": [FILES]},
        {"snippet": "content_by_lua_block { add_header(); }"},
    ],
    ids=str,
)
def test_accepts(given):
    check(**given)


@pytest.mark.parametrize("path", ["= /admin", "/admin/"])
def test_a_proxied_path_has_two_locations(path):
    locations = [{"path": "/admin/", "proxy_pass": "http://a"}]
    with pytest.raises(ValueError, match=f"'location {path}', and the site itself has that location"):
        check(f"location {path} {{ return 404; }}", locations=locations)


def test_the_list_of_directives_is_that_of_the_template():
    text = (TEMPLATES / "proxy.conf.j2").read_text()
    found = re.findall(r"^(\w+) ", text, re.MULTILINE)
    assert (
        tuple(name for name in found if name not in ("proxy_set_header", "if"))
        == snippet_conflicts.OF_PROXIED_LOCATIONS
    )


def test_the_lists_for_files_are_those_of_the_template():
    text = (TEMPLATES / "site.conf.j2").read_text()
    begin, end = "alias {{ location.alias ~", "{% elif site.maintenance and not location.files %}\n        return 503"
    location = text[text.index(begin) : text.index(end)]
    for name in snippet_conflicts.OF_FILE_LOCATIONS:
        assert re.search(rf"^ +{name} ", location, re.MULTILINE), name
    for name in snippet_conflicts.HEADERS_OF_FILES:
        assert f"add_header {name} " in location
