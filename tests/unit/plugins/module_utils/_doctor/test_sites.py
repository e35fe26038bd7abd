"""What a configuration says of its sites."""

from __future__ import annotations

import os

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import pages
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import location_for
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.render import render


def server_of(host):
    return host.tree.own("http").own("server")


@pytest.mark.parametrize(
    ("names", "title", "name"),
    [
        ("shop.test www.shop.test", "shop.test", "shop.test"),
        ("*.shop.test shop.test", "*.shop.test", "shop.test"),
        ("*.shop.test", "*.shop.test", "www.shop.test"),
        (".shop.test", ".shop.test", "shop.test"),
        ("shop.*", "shop.*", "shop.test"),
        ("_", "_", None),
    ],
)
def test_names(doctor_host, names, title, name):
    server = server_of(doctor_host(f"server {{ server_name {names}; }}"))
    assert (sites.title(server), sites.visitable(server)) == (title, name)


def test_a_server_without_a_name_is_called_by_its_place(doctor_host, tmp_path):
    assert sites.title(server_of(doctor_host("server { }"))) == f"{tmp_path}/nginx.conf:2"


@pytest.mark.parametrize(
    ("directive", "addresses"),
    [
        ("proxy_pass http://127.0.0.1:8000;", ["127.0.0.1:8000"]),
        ("proxy_pass http://app1;", ["app1:80"]),
        ("proxy_pass https://app1/x;", ["app1:443"]),
        ("proxy_pass http://unix:/run/a.sock;", ["unix:/run/a.sock"]),
        ("proxy_pass http://unix:/run/a.sock:/x/;", ["unix:/run/a.sock"]),
        ("proxy_pass http://pool;", ["unix:/srv/shop/current/web.sock", "10.0.0.1:80"]),
        ("uwsgi_pass unix:/run/u.sock;", ["unix:/run/u.sock"]),
        ("uwsgi_pass 127.0.0.1:3031;", ["127.0.0.1:3031"]),
        ("proxy_pass http://$backend;", []),
        ("return 200;", []),
    ],
)
def test_where_requests_go(doctor_host, directive, addresses):
    pool = "upstream POOL { server unix:/srv/shop/current/web.sock max_fails=0; server 10.0.0.1; server b down; }"
    host = doctor_host(f"{pool} server {{ location / {{ {directive} }} }}")
    location = next(server_of(host).below("location"))
    assert sites.addresses(location) == addresses
    assert sites.app_of(location) == ("shop" if len(addresses) == 2 else "")


def test_try_files_hands_over(doctor_host):
    text = "location / { try_files $uri @app; } location @app { proxy_pass http://a; } location /x { try_files a /; }"
    server = server_of(doctor_host(f"server {{ {text} }}"))
    for path in ("/", "/x"):
        found = sites.handler(server, location_for(server, path))
        assert sites.passed_to(found if path == "/" else sites.handler(server, found))


@pytest.mark.parametrize(
    ("text", "limit", "line"),
    [
        ("", 1024**2, "nginx's default"),
        ("client_max_body_size 20m;", 20 * 1024**2, ":3"),
        ("client_max_body_size 1K;", 1024, ":3"),
        ("client_max_body_size 0;", 0, ":3"),
        ("client_max_body_size 2g;", 2 * 1024**3, ":3"),
    ],
)
def test_the_limit_of_a_body(doctor_host, text, limit, line):
    location = next(server_of(doctor_host(f"server {{\n{text}\nlocation / {{ }} }}")).below("location"))
    found, where = sites.body_limit(location)
    assert found == limit
    assert where.endswith(line)


def test_a_file_that_a_visitor_may_ask_for(tmp_path):
    assert sites.sample(str(tmp_path)) is None
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").touch()
    (tmp_path / ".env").touch()
    assert sites.sample(str(tmp_path)) is None
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "a.css").touch()
    assert sites.sample(str(tmp_path)) == "css/a.css"


def test_a_link_is_asked_for_only_where_there_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "0")
    (tmp_path / "a").symlink_to("/srv")
    assert sites.sample(str(tmp_path)) == "a"
    (tmp_path / "b").touch()
    assert sites.sample(str(tmp_path)) == "b"
    # It may lead to another app's files. Their names are not for the reader of this report.
    (tmp_path / "media").symlink_to(tmp_path)
    tmp_path.chmod(0o777)
    assert sites.sample(f"{tmp_path}/media") is None


HAND = """
proxy_set_header X-All all;
server {
    listen 80; listen 8443 ssl;
    server_name shop.test ~^x _ *.shop.test;
    client_max_body_size 3m;
    location /static/ { alias /srv/shop/current/static/; }
    location = /robots.txt { alias /srv/shop/current/static/robots.txt; }
    location /files/ { internal; alias /srv/shop/data/files/; }
    location / { proxy_pass http://unix:/srv/shop/current/web.sock; proxy_set_header Host $host; }
}
server { server_name other.test; location / { proxy_pass http://127.0.0.1:8000; } }
server { location / { proxy_pass http://unix:/srv/shop/current/web.sock; } }
"""


def test_apps_for_the_comparison_with_their_settings(doctor_host, tmp_path):
    host = doctor_host(HAND)
    (served,) = sites.served(host.listens, str(tmp_path))
    assert (served.site, served.app, served.tls, served.port) == ("shop.test", "shop", True, "8443")
    assert served.names == ("shop.test", "*.shop.test")
    assert served.locations == (("/static/", "/srv/shop/current/static/"), ("/files/", "/srv/shop/data/files/"))
    assert served.internal == ("/files/",)
    assert served.client_max_body_size == 3 * 1024**2
    assert (served.managed, served.headers) == (False, (("Host", "$host"),))


def test_headers_are_inherited_by_those_that_set_none(doctor_host, tmp_path):
    host = doctor_host(HAND.replace("proxy_set_header Host $host;", ""))
    (served,) = sites.served(host.listens, str(tmp_path))
    assert served.headers == (("X-All", "all"),)


def test_a_site_of_gatehouses(doctor_host, tmp_path):
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "shop.conf").write_text(HAND)
    (served,) = sites.served(doctor_host("include gatehouse/*.conf;").listens, str(tmp_path))
    assert (served.managed, served.headers) == (True, None)


def test_a_site_as_nginx_config_writes_it(doctor_host, tmp_path):
    """With the real templates: what they say is found again."""
    locations = [
        {"path": "/static/", "alias": "/srv/shop/current/static/"},
        {"path": "/files/", "alias": "/srv/shop/data/files/", "internal": True},
        {"path": "/", "proxy_pass": "http://unix:/srv/shop/current/web.sock"},
    ]
    site = {"name": "shop", "server_name": ["shop.test"], "redirect_from": ["www.shop.test"], "locations": locations}
    site |= {"tls": "self_signed", "client_max_body_size": "7m"}
    params = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]}).validated_parameters
    links = {location["alias"]: {"mode": "refuse", "trusted": "/srv/shop"} for location in locations[:2]}
    facts = EXPECTED | {"conf_dir": str(tmp_path), "user": "www-data", "ipv6": True, "symlinks": links}
    rendered = render(facts, params["sites"], None)
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "shop.conf").write_text(rendered["sites"]["shop"]["content"])
    host = doctor_host("include gatehouse/*.conf;")
    (served,) = sites.served(host.listens, str(tmp_path))
    assert (served.site, served.app, served.tls, served.port) == ("shop.test", "shop", True, "443")
    assert served.client_max_body_size == 7 * 1024**2
    assert dict(served.locations)["/static/"] == "/srv/shop/current/static/"
    assert (served.internal, served.managed) == (("/files/",), True)
    asked = [page.url for page in pages(host)]
    assert asked == ["https://shop.test/", "https://shop.test/static/any"]
