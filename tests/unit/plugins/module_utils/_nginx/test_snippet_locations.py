"""Locations of a snippet that answer each request with 404, and those that take files from an alias."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_sites
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet_locations import warnings
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC

FILES = [{"path": path, "alias": f"/srv/shop{path}"} for path in ("/static/", "/media/")]
HIDDEN = {"path": "/protected/", "alias": "/srv/shop/protected/", "internal": True}
CSS = r"location ~* \.(css|js)$"


def checked(snippet, of_app=""):
    app = {"path": "/", "proxy_pass": "http://127.0.0.1:8000", "snippet": of_app}
    site = {"name": "shop", "server_name": ["a.example"], "locations": [app, *FILES, HIDDEN], "snippet": snippet}
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]})
    assert result.error_messages == []
    check_sites(result.validated_parameters["sites"])
    return result.validated_parameters["sites"][0]


def test_a_pattern_that_takes_the_static_files():
    with pytest.raises(ValueError, match="without root") as refused:
        checked(f"gzip off; {CSS} {{expires 30d;}}")
    assert str(refused.value) == (
        r"site 'shop': snippet has 'location ~* \.(css|js)$' without root, alias, proxy_pass or return, so nginx "
        "answers 404 there, also to the files below '/static/' and '/media/'. Remove the block, or write into it where "
        "its files are. Browsers keep files with a hash in their names for a year without it. Nothing was changed."
    )


@pytest.mark.parametrize(
    "inside",
    [
        *(
            "",
            "expires 30d;",
            "access_log off; log_not_found off;",
            "add_header Cache-Control public;",
            "gzip_static on;",
        ),
        *("try_files $uri =404;", "types { text/css css; } default_type text/css;", "if ($a) { expires 1d; }"),
        *("auth_basic x; auth_basic_user_file /etc/x;", "proxy_set_header X-A 1;", "proxy_pass_header X-A;"),
    ],
)
@pytest.mark.parametrize("location", [CSS, "location = /static/a.css", "location /static/css/", "location /own/"])
def test_a_location_that_answers_nothing(inside, location):
    with pytest.raises(ValueError, match="so nginx answers 404 there"):
        checked(f"{location} {{ {inside} }}")


@pytest.mark.parametrize(
    "inside",
    [
        *(
            "root /srv/www;",
            "alias /srv/www/;",
            "proxy_pass http://a;",
            "fastcgi_pass a;",
            "uwsgi_pass a;",
            "grpc_pass a;",
        ),
        *(
            "return 404;",
            "deny all;",
            "rewrite ^ /x;",
            "stub_status;",
            "try_files $uri @app;",
            "try_files $uri /index;",
        ),
        *("if ($a) { return 403; }", "include /etc/nginx/x.conf;", "location ~ a { return 204; }", "internal;"),
        *("empty_gif;", "some_handler_of_a_module;"),
    ],
)
def test_a_location_that_may_answer(inside):
    checked(f"location /own/ {{ expires 1d; {inside} }}")


@pytest.mark.parametrize("snippet", ["root /srv/www;", "include /etc/nginx/x.conf;"])
def test_a_server_that_may_have_files(snippet):
    checked(f"{snippet} location /own/ {{ expires 1d; }}")


def test_a_named_location():
    checked("location @x { expires 1d; }")


def test_a_location_inside_of_a_proxied_one():
    with pytest.raises(ValueError, match=r"location '/': snippet has 'location /x/' .* Write 'proxy_pass http://1"):
        checked("", "location /x/ { proxy_read_timeout 5m; }")
    checked("", "location /x/ { proxy_read_timeout 5m; proxy_pass http://127.0.0.1:8000; }")


@pytest.mark.parametrize(
    ("snippet", "words"),
    [
        (
            f"{CSS} {{ root /srv/www; }}",
            "for files below '/static/' and '/media/', and nginx then looks for them below /srv",
        ),
        (f"root /srv/www; {CSS} {{ expires 1d; }}", "then looks for them below the root of the server"),
        ("location /static/css/ { root /srv/www; }", "the location '/static/css/' of its snippet can take requests"),
    ],
)
def test_warns_where_a_location_sends_files_itself(snippet, words):
    [warning] = warnings(checked(snippet))
    assert words in warning


@pytest.mark.parametrize(
    "snippet",
    [
        *("", "location ^~ /.well-known/x/ { root /srv/www; }", "location ~ ^/own/ { root /srv/www; }"),
        *(f"{CSS} {{ proxy_pass http://a; }}", r"location ~ \.php$ { return 404; }", "location @x { root /srv; }"),
    ],
)
def test_does_not_warn(snippet):
    assert warnings(checked(snippet)) == []
