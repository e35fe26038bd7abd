"""The apps that nginx serves, with the values that the comparison with their settings uses."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import body_limit
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import pages
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.render import render


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
    location = next(doctor_host(f"server {{\n{text}\nlocation / {{ }} }}").tree.below("location"))
    found, where = body_limit(location)
    assert found == limit
    assert where.endswith(line)


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


def test_the_site_of_an_app(doctor_host):
    host = doctor_host(HAND)
    (site,) = host.app_sites
    assert (site.site, site.app, site.tls, site.port) == ("shop.test", "shop", True, "8443")
    assert site.names == ("shop.test", "*.shop.test")
    assert site.locations == (("/static/", "/srv/shop/current/static/"), ("/files/", "/srv/shop/data/files/"))
    assert site.internal == ("/files/",)
    assert site.client_max_body_size == 3 * 1024**2
    assert (site.managed, site.headers) == (False, (("Host", "$host"),))


def test_balancers_ask_a_web_host_with_tls_as_without(doctor_host):
    """Which of the two says nothing about what visitors use."""
    text = HAND.replace("*.shop.test", "shop.gatehouse.internal").replace(
        "listen 8443 ssl", "listen 80; listen 443 ssl"
    )
    (site,) = doctor_host(text).app_sites
    assert (site.names, site.tls, site.port) == (("shop.test",), False, "80")


def test_headers_are_inherited_by_a_location_that_sets_none(doctor_host):
    host = doctor_host(HAND.replace("proxy_set_header Host $host;", ""))
    (site,) = host.app_sites
    assert site.headers == (("X-All", "all"),)


def test_a_site_of_gatehouse(doctor_host, tmp_path):
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "shop.conf").write_text(HAND)
    (site,) = doctor_host("include gatehouse/*.conf;").app_sites
    assert (site.managed, site.headers) == (True, None)


@pytest.mark.parametrize("more", [{}, {"behind": {"addresses": ["10.0.0.5"]}}], ids=["alone", "behind"])
def test_a_site_as_nginx_config_writes_it(doctor_host, tmp_path, more):
    """The real templates write the values that the doctor reads."""
    locations = [
        {"path": "/static/", "alias": "/srv/shop/current/static/"},
        {"path": "/files/", "alias": "/srv/shop/data/files/", "internal": True},
        {"path": "/", "proxy_pass": "http://unix:/srv/shop/current/web.sock"},
    ]
    definition = {
        "name": "shop",
        "server_name": ["shop.test"],
        "redirect_from": ["www.shop.test"],
        "locations": locations,
    }
    definition |= {"tls": "self_signed", "client_max_body_size": "7m"} | more
    params = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [definition]}).validated_parameters
    links = {location["alias"]: {"mode": "refuse", "trusted": "/srv/shop"} for location in locations[:2]}
    facts = EXPECTED | {"conf_dir": str(tmp_path), "user": "www-data", "ipv6": True, "symlinks": links}
    rendered = render(facts, params["sites"], None)
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "shop.conf").write_text(rendered["sites"]["shop"]["content"])
    host = doctor_host("include gatehouse/*.conf;")
    (site,) = host.app_sites
    assert (site.site, site.app, site.tls, site.port) == ("shop.test", "shop", True, "443")
    assert site.client_max_body_size == 7 * 1024**2
    assert dict(site.locations)["/static/"] == "/srv/shop/current/static/"
    assert (site.internal, site.managed) == (("/files/",), True)
    assert (site.headers is None) == (not more)
    urls = [page.url for page in pages(host)]
    # Behind a balancer one server block has both ports.
    schemes = ("http", "https") if more else ("https",)
    assert urls == [f"{scheme}://shop.test{path}" for scheme in schemes for path in ("/", "/static/any")]


MOUNTED = """
server {
    listen 80;
    server_name www.test;
    location /static/ { alias /srv/home/current/static/; }
    location /shop/static/ { alias /srv/shop/current/static/; }
    location /shop/files/ { internal; alias /srv/shop/data/files/; }
    location = /shop/ws { proxy_pass http://unix:/srv/shop/current/web.sock; }
    location = /shop { client_max_body_size 9m; proxy_pass http://unix:/srv/shop/current/web.sock; }
    location /shop/ { client_max_body_size 9m; proxy_pass http://unix:/srv/shop/current/web.sock; }
    location / { proxy_pass http://unix:/srv/home/current/web.sock; }
}
"""


def test_each_app_of_a_name_has_a_site_with_its_own_files(doctor_host):
    home, shop = doctor_host(MOUNTED).app_sites
    assert (home.app, home.prefix, home.site, home.client_max_body_size) == ("home", "/", "www.test", 1024**2)
    assert home.locations == (("/static/", "/srv/home/current/static/"),)
    assert (shop.app, shop.prefix, shop.site, shop.client_max_body_size) == ("shop", "/shop/", "www.test", 9 * 1024**2)
    assert [path for path, _directory in shop.locations] == ["/shop/static/", "/shop/files/"]
    assert (home.internal, shop.internal) == ((), ("/shop/files/",))


def test_an_app_below_a_path_of_static_pages_has_all_files(doctor_host):
    text = "server { server_name a.test; location /static/ { alias /srv/a/current/static/; } %s }"
    (site,) = doctor_host(text % "location /api/ { proxy_pass http://unix:/srv/a/current/web.sock; }").app_sites
    assert (site.prefix, site.locations) == ("/api/", (("/static/", "/srv/a/current/static/"),))
