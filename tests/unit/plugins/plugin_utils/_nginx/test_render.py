"""What is rendered for a site, and that values stay values."""

from __future__ import annotations

import re

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.render import Raw, quote, render


class Trusted(dict):
    """What the host says of an alias that no test is about."""

    def __missing__(self, alias):
        return {"mode": "refuse", "trusted": "/srv"}


HOST = EXPECTED | {"conf_dir": "/etc/nginx", "user": "www-data", "ipv6": True, "symlinks": Trusted()}
PROXY = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}


def rendered(nginx_conf=None, host=HOST, **options):
    site = {"name": "shop", "server_name": ["shop.example.com"], "locations": [PROXY]} | options
    args = {"sites": [site], "nginx_conf": nginx_conf}
    params = ArgumentSpecValidator(ARGUMENT_SPEC).validate(args).validated_parameters
    return render(host, params["sites"], params["nginx_conf"])


def lines(**options):
    return [line.strip() for line in rendered(**options)["sites"]["shop"]["content"].splitlines()]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("/srv/static/", "/srv/static/"),
        (80, "80"),
        (["a.example", "*.b.example"], "a.example *.b.example"),
        ("", '""'),
        ("a b", '"a b"'),
        ("a;b", '"a;b"'),
        ("a{b}", '"a{b}"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("#a", '"#a"'),
        (Raw("gzip off;"), "gzip off;"),
    ],
)
def test_quote(value, text):
    assert quote(value) == text


@pytest.mark.parametrize("value", [None, True, {}])
def test_quote_refuses_values_without_an_nginx_form(value):
    with pytest.raises(TypeError):
        quote(value)


def test_smallest_site():
    assert lines(locations=[{"path": "/static/", "alias": "/var/www/static/"}, PROXY]) == [
        "# Site shop: written by gatehouse.django.nginx_config; changes here are replaced.",
        "",
        "upstream gatehouse_shop {",
        "# If nginx disabled the server after a failure, the next requests would fail with 502 as well. nginx passes a "
        "request",
        "# once to each server, so it is listed twice: proxy.conf says which requests nginx passes again. A socket has "
        "two",
        "# paths, because nginx would pass a request again over a kept connection to the process that has just failed.",
        "server 127.0.0.1:8000 max_fails=0;",
        "server 127.0.0.1:8000 max_fails=0 backup;",
        "keepalive 32;",
        "# nginx closes idle connections before the application does, so that no request uses a closing one.",
        "keepalive_timeout 5s;",
        "}",
        "# For requests that nginx passes only once. It keeps no connections: where a kept one fails, nginx passes it "
        "again.",
        "upstream gatehouse_shop.once {",
        "server 127.0.0.1:8000 max_fails=0;",
        "}",
        "",
        "server {",
        "listen 80;",
        "listen [::]:80;",
        "server_name shop.example.com;",
        "access_log /var/log/nginx/shop.access.log gatehouse_json buffer=64k flush=5s;",
        "client_max_body_size 20m;",
        "include /etc/nginx/gatehouse/live/server.conf;",
        "",
        "location /static/ {",
        "alias /var/www/static/;",
        "disable_symlinks on from=/srv;",
        "gzip_static on;",
        "add_header X-Content-Type-Options nosniff;",
        "add_header Cache-Control $gatehouse_cache_control;",
        "access_log /var/log/nginx/shop.access.log gatehouse_json_file buffer=64k flush=5s;",
        "}",
        "",
        "location ^~ / {",
        "proxy_pass http://gatehouse_shop$gatehouse_once;",
        "include /etc/nginx/gatehouse/live/proxy.conf;",
        'proxy_set_header Upgrade "";',
        'proxy_set_header Connection "";',
        "}",
        "}",
    ]


def test_no_ipv6_and_no_gzip_static_where_the_host_has_none():
    text = lines(host=HOST | {"ipv6": False, "gzip_static": False}, locations=[{"path": "/s/", "alias": "/s/"}])
    assert "listen 80;" in text
    assert "listen [::]:80;" not in text
    assert "gzip_static on;" not in text


def test_files_compressed_with_brotli_where_nginx_has_the_module():
    text = lines(host=HOST | {"brotli_static": True}, locations=[{"path": "/s/", "alias": "/s/"}])
    assert text[text.index("alias /s/;") + 2 :][:2] == ["gzip_static on;", "brotli_static on;"]
    assert "brotli_static on;" not in lines(locations=[{"path": "/s/", "alias": "/s/"}])


def test_one_form_for_each_address():
    text = lines(listen=["*:80", "127.0.0.1:081", "[0::1]:82"])
    assert [line for line in text if line.startswith("listen")] == [
        "listen 80;",
        "listen 127.0.0.1:81;",
        "listen [::1]:82;",
    ]


@pytest.mark.parametrize(("version", "line"), [("1.29.6", False), ("1.29.7", True), ("1.30.0", True)])
def test_no_connection_is_kept_for_what_is_passed_once(version, line):
    """Newer versions of nginx keep them by default."""
    assert ("keepalive 0;" in lines(host=HOST | {"version": version})) is line


def test_one_upstream_for_each_address():
    text = lines(locations=[PROXY, PROXY | {"path": "/b/"}, {"path": "/c/", "proxy_pass": "http://unix:/run/c.sock"}])
    found = [line for line in text if line.startswith(("upstream", "server ", "proxy_pass"))]
    # A proxied path has two of nginx's locations: /b and what is below /b/.
    assert list(dict.fromkeys(found)) == [
        "upstream gatehouse_shop {",
        "server 127.0.0.1:8000 max_fails=0;",
        "server 127.0.0.1:8000 max_fails=0 backup;",
        "upstream gatehouse_shop.once {",
        "upstream gatehouse_shop.1 {",
        "server unix:/run/c.sock max_fails=0;",
        "server unix:/run/./c.sock max_fails=0 backup;",
        "upstream gatehouse_shop.1.once {",
        "server {",
        "proxy_pass http://gatehouse_shop$gatehouse_once;",
        "proxy_pass http://gatehouse_shop.1$gatehouse_once;",
    ]


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ({"path": "/robots.txt", "alias": "/srv/robots.txt"}, "location = /robots.txt {"),
        ({"path": "/a b/", "alias": "/srv/a;b/"}, 'alias "/srv/a;b/";'),
        ({"path": "/p/", "alias": "/srv/p/", "internal": True}, "internal;"),
        ({"path": "/p/", "alias": "/srv/p/", "internal": True}, 'add_header Cache-Control "private, no-cache";'),
        ({"path": "/p/", "alias": "/srv/p/", "untrusted": True}, "add_header Cache-Control no-cache;"),
        (
            {"path": "/m/", "alias": "/srv/m/", "cache_control": "private, max-age=60"},
            'add_header Cache-Control "private, max-age=60";',
        ),
        (
            {"path": "/w/", "proxy_pass": "http://a", "websocket": True},
            "proxy_set_header Connection $gatehouse_connection;",
        ),
        ({"path": "/w/", "proxy_pass": "http://a", "websocket": True}, "proxy_read_timeout 1h;"),
        (
            {"path": "/w/", "proxy_pass": "http://a", "websocket": True, "proxy_read_timeout": "9s"},
            "proxy_read_timeout 9s;",
        ),
        ({"path": "/w/", "proxy_pass": "http://a", "client_max_body_size": "1g"}, "client_max_body_size 1g;"),
        ({"path": "/w/", "proxy_pass": "http://a", "snippet": "limit_rate 1k;\n"}, "limit_rate 1k;"),
    ],
)
def test_location(location, line):
    assert line in lines(locations=[location])


def test_untrusted_files_get_a_sandbox():
    text = "\n".join(lines(locations=[{"path": "/m/", "alias": "/srv/m/", "untrusted": True}]))
    assert "add_header Content-Security-Policy \"default-src 'none'; style-src 'unsafe-inline'; sandbox\";" in text


def test_maintenance_answers_for_the_application_only():
    text = lines(maintenance=True, locations=[{"path": "/s/", "alias": "/s/"}, PROXY])
    assert "return 503;" in text
    assert "alias /s/;" in text
    assert not [line for line in text if line.startswith("proxy_pass")]


def test_paths_without_a_location_are_404():
    static = {"path": "/static/", "alias": "/srv/static/"}
    rest = ["location / {", "return 404;", "}", "}"]
    assert lines(locations=[static])[-4:] == rest
    assert "location / {" not in lines(locations=[static, PROXY])
    # A snippet may have its own.
    assert "location / {" not in lines(locations=[static], snippet="root /srv/www;")


def test_redirect_from_is_a_server_of_its_own():
    text = lines(redirect_from=["www.shop.example.com"])
    assert "server_name www.shop.example.com;" in text
    assert "return 308 $scheme://shop.example.com$gatehouse_port$request_uri;" in text


def test_snippet_is_passed_through():
    assert 'add_header X-A "b";' in lines(snippet='add_header X-A "b";')


def test_absent_site_has_no_file_but_is_named():
    parts = rendered(state="absent")
    assert (parts["sites"], parts["absent"], parts["aliases"]) == ({}, ["shop"], [])


def test_aliases_are_passed_on_for_the_checks_on_the_host():
    parts = rendered(locations=[{"path": "/static/", "alias": "/srv/static/"}, PROXY])
    known = {"site": "shop", "path": "/static/", "alias": "/srv/static/", "mode": "refuse", "trusted": "/srv"}
    assert parts["aliases"] == [known]


@pytest.mark.parametrize(
    ("mode", "trusted", "chosen", "line"),
    [
        ("refuse", "/srv/shop/data", "auto", "on from=/srv/shop/data"),
        ("same_owner", "/var/www", "auto", "if_not_owner from=/var/www"),
        ("same_owner", "/var/www", "refuse", "on from=/var/www"),
        ("refuse", "/srv/shop/data", "same_owner", "if_not_owner from=/srv/shop/data"),
        ("refuse", "/srv/shop/data", "follow", "off"),
        ("same_owner", "", "auto", "if_not_owner"),
        ("same_owner", "/srv/a;b", "auto", 'if_not_owner "from=/srv/a;b"'),
    ],
)
def test_links_that_nginx_follows(mode, trusted, chosen, line):
    host = HOST | {"symlinks": {"/files/": {"mode": mode, "trusted": trusted}}}
    location = {"path": "/files/", "alias": "/files/", "symlinks": chosen}
    assert f"disable_symlinks {line};" in lines(host=host, locations=[location])
    assert rendered(host=host, locations=[location])["aliases"][0]["mode"] == (mode if chosen == "auto" else chosen)


def test_nginx_conf_only_when_asked_for():
    assert rendered()["main"] == {}
    text = rendered(nginx_conf={"worker_connections": 99, "http_snippet": "etag off;"})["main"]["nginx.conf"]
    assert "worker_connections 99;" in text
    assert "    etag off;\n" in text
    assert "user www-data;" in text


@pytest.mark.parametrize(
    ("snippet", "location"),
    [
        (None, "^~ /"),
        ("root /srv/www;", "^~ /"),
        ("location /docs/ { root /srv; }", "^~ /"),
        ("location ~ \\.php$ { return 404; }", "/"),
        ("location ~* \\.php$ { return 404; }", "/"),
        ("include snippets/php.conf;", "/"),
    ],
)
def test_regular_expressions_of_an_operator_go_before_the_application(snippet, location):
    assert f"location {location} {{" in lines(snippet=snippet)


def test_header_buffers_of_an_operator():
    own = "large_client_header_buffers 8 64k;"
    texts = [rendered(nginx_conf={"http_snippet": text})["main"]["nginx.conf"] for text in (None, own)]
    assert [re.findall(r"large_client_header_buffers .*;", text) for text in texts] == [
        ["large_client_header_buffers 4 32k;"],
        [own],
    ]


SHOP = {"path": "/shop/", "proxy_pass": "http://unix:/run/shop.sock"}


def test_an_internal_location_knows_its_application():
    files = {"path": "/files/", "alias": "/srv/files/", "internal": True, "sent_by": SHOP["proxy_pass"]}
    found = lines(locations=[PROXY, SHOP, files])
    assert found.count("set $gatehouse_application gatehouse_shop;") == 1
    # One location for /shop, and one for all below it.
    assert found.count("set $gatehouse_application gatehouse_shop.1;") == 2
    at = found.index("if ($gatehouse_application != gatehouse_shop.1) {")
    assert found[at + 1] == "return 404;"
    assert "location /files/ {" in found[at - 4 : at]


def test_no_application_is_named_where_no_location_asks():
    files = {"path": "/files/", "alias": "/srv/files/", "internal": True, "sent_by": PROXY["proxy_pass"]}
    # nginx refuses a variable that no proxied location sets.
    assert not any("gatehouse_application" in line for line in lines(locations=[PROXY, files], maintenance=True))
    assert not any("gatehouse_application" in line for line in lines(locations=[PROXY, SHOP]))
