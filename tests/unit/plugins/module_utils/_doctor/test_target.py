"""What the doctor requests, and from which address."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import target
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import routing


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("shop.test", ("", "shop.test", "", "/")),
        ("SHOP.test:8080/a", ("", "shop.test", "8080", "/a")),
        ("https://shop.test/static/x.css?v=1#top", ("https", "shop.test", "", "/static/x.css?v=1")),
        ("http://[2001:db8::1]/", ("http", "2001:db8::1", "", "/")),
        ("https://bücher.test/", ("https", "xn--bcher-kva.test", "", "/")),
    ],
)
def test_parse(value, parts):
    assert target.parse(value) == target.Target(*parts)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "is empty"),
        ("a b", "white space"),
        ("ftp://shop.test/", "neither http nor https"),
        ("https://", "contains no host name"),
        ("https://shop.test:99999/", "is not a URL"),
        ("https://sh$op.test/", "contains no host name"),
        ("https://me:geheim@shop.test/", "remove them"),
    ],
)
def test_another_value_is_refused_with_the_remedy(value, words):
    with pytest.raises(ValueError, match=words) as refused:
        target.parse(value)
    assert str(refused.value).startswith("url: ")
    assert "geheim" not in str(refused.value)


SITES = """
server { listen 80 default_server; listen 443 ssl default_server; server_name _; return 444; }
server { listen 80; server_name shop.test; return 308 https://shop.test$request_uri; }
server { listen 443 ssl; server_name www.shop.test shop.test; location / { proxy_pass http://a; } }
server { listen 80; server_name plain.test; location / { proxy_pass http://a; } }
server { listen 192.0.2.1:81; server_name one.test; }
"""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("shop.test", ("www.shop.test", "shop.test", "127.0.0.1", "443", True)),
        ("http://shop.test", ("shop.test", "shop.test", "127.0.0.1", "80", False)),
        ("plain.test", ("plain.test", "plain.test", "127.0.0.1", "80", False)),
        ("one.test:81", ("one.test", "one.test", "192.0.2.1", "81", False)),
    ],
)
def test_the_request_for_a_page(doctor_host, value, expected):
    found = target.find(doctor_host(SITES), target.parse(value))
    assert (found.site, found.name, found.address, found.port, found.tls) == expected


@pytest.mark.parametrize("url", ["http://shop.test:8080/", "https://unknown.test", "https://plain.test"])
def test_a_page_that_no_site_serves(doctor_host, url):
    assert target.find(doctor_host(SITES), target.parse(url)) is None


def test_a_request_carries_its_server_and_location(doctor_host, tmp_path):
    text = """server { server_name shop.test;
location / { try_files $uri @app; }
location @app { proxy_pass http://a; }
location /static/ { alias /srv/static/; } }"""
    host = doctor_host(text)
    found = [target.find(host, target.parse(f"shop.test{path}")) for path in ("/x?y", "/a/..//static/x")]
    assert [request.server.line for request in found] == [2, 2]
    assert [request.location.line for request in found] == [4, 5]


def test_redirects_lead_to_sites_of_this_host_only(doctor_host):
    host = doctor_host(SITES)
    assert target.follow(host, "https://shop.test/a").url == "https://shop.test/a"
    assert target.follow(host, "https://elsewhere.test/") is None
    assert target.follow(host, "https://a b/") is None


def test_a_server_without_a_name_serves_every_name(doctor_host):
    host = doctor_host("server { location / { proxy_pass http://a; } }")
    assert target.follow(host, "http://anything.test/")
    host = doctor_host("server { server_name other.test; location / { proxy_pass http://a; } }")
    assert target.follow(host, "http://anything.test/") is None


def test_pages_of_all_sites(doctor_host, tmp_path):
    static, empty, media = (tmp_path / name for name in ("static", "staticfiles", "media"))
    for directory in (static, empty, media):
        directory.mkdir()
    (static / "x.css").touch()
    text = f"""
server {{ listen 80; listen 443 ssl; listen [::]:80; server_name shop.test;
    location / {{ proxy_pass http://a; }}
    location /static/ {{ alias {static}/; }}
    location /assets/ {{ alias {empty}/; }}
    location /media/ {{ alias {media}/; }}
    location /files/ {{ internal; alias {static}/; }}
    location /static/css/ {{ root {tmp_path}; }}
    location /uploads/ {{ root {tmp_path}; }}
}}
server {{ server_name files.test; location / {{ alias {static}/; }} }}
server {{ server_name shop.test; location / {{ proxy_pass http://taken; }} }}
server {{ server_name moved.test; return 301 https://shop.test; }}
server {{ location / {{ proxy_pass http://nameless; }} }}
"""
    urls = [page.url for page in target.pages(doctor_host(text))]
    shop = ["/", "/static/x.css", "/assets/any", "/static/css/any"]
    assert urls == [
        *(f"http://shop.test{path}" for path in shop),
        *(f"https://shop.test{path}" for path in shop),
        "http://files.test/x.css",
    ]


def test_the_servers_and_addresses_of_a_port_are_determined_once(doctor_host, monkeypatch):
    """Each redirect asks for them, and a host has thousands of servers on a port."""
    tables, at, looked, reachable = [], routing.listens_at, [], routing.reachable
    monkeypatch.setattr(routing, "listens_at", lambda known, *place: tables.append(place) or at(known, *place))
    monkeypatch.setattr(routing, "reachable", lambda known, one, own: looked.append(one) or reachable(known, one, own))
    servers = "".join(
        f"server {{ listen 80; listen [::]:80; server_name s{number}.test; location / {{ proxy_pass http://a; }} }}"
        for number in range(100)
    )
    host = doctor_host(servers)
    assert len(list(target.pages(host))) == 100
    assert [target.follow(host, f"http://s{number}.test/").address for number in range(100)] == ["127.0.0.1"] * 100
    assert tables == [("127.0.0.1", "80")]
    assert [(one.host, one.port) for one in looked] == [("*", "80"), ("::", "80")]


FRONT = "set_real_ip_from 192.0.2.1; real_ip_header X-Forwarded-For;"


@pytest.mark.parametrize(
    ("value", "port"),
    [("https://shop.test/a", "8080"), ("https://shop.test:8443/a", "8080"), ("https://plain.test/a", None)],
)
def test_what_stands_in_front_has_the_scheme_and_the_port(doctor_host, value, port):
    listens = (
        f"server {{ listen 8080; server_name shop.test; {FRONT} }} server {{ listen 80; server_name plain.test; }}"
    )
    host, asked = doctor_host(listens), target.parse(value)
    assert target.find(host, asked) is None
    found = target.find_behind(host, asked)
    assert (found.port, found.path) == (port, "/a") if port else found is None
