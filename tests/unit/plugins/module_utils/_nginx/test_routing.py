"""Who gets a request, as nginx's documentation of server_name and location has it."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import config_tree, routing


@pytest.fixture
def read(tmp_path):
    def read(text):
        (tmp_path / "nginx.conf").write_text(f"http {{ {text} }}")
        return config_tree.read(str(tmp_path / "nginx.conf"))

    return read


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("", ("*", "80", False, False)),
        ("listen 8080;", ("*", "8080", False, False)),
        ("listen 0443 ssl;", ("*", "443", True, False)),
        ("listen *:80 default_server;", ("*", "80", False, True)),
        ("listen 127.0.0.1;", ("127.0.0.1", "80", False, False)),
        ("listen 0.0.0.0:81;", ("*", "81", False, False)),
        ("listen [::]:443 ssl http2;", ("::", "443", True, False)),
        ("listen [2001:DB8::1];", ("2001:db8::1", "80", False, False)),
        ("listen localhost:8000;", ("localhost", "8000", False, False)),
        ("listen 443; ssl on;", ("*", "443", True, False)),
    ],
)
def test_listen(read, listen, expected):
    (one,) = routing.listens(read(f"server {{ {listen} }}"))
    assert (one.host, one.port, one.tls, one.default) == expected


def test_listen_with_the_proxy_protocol(read):
    found = routing.listens(read("server { listen 80 proxy_protocol; listen 81; }"))
    assert [one.proxy_protocol for one in found] == [True, False]


def test_unix_sockets_and_quic_are_left_out(read):
    assert routing.listens(read("server { listen unix:/run/x.sock; listen 443 quic; }")) == []


SERVERS = """
server { server_name first; }
server { server_name .shop.test exact.wide.test; }
server { server_name *.wide.test *.deep.wide.test; }
server { server_name mail.*; }
server { server_name "~^(?<who>.+)\\.users\\.test$" ~^mail\\.; }
server { server_name ~.*; listen 81; }
"""


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("first", "first"),
        ("FIRST.", "first"),
        ("shop.test", ".shop.test"),
        ("a.b.shop.test", ".shop.test"),
        ("exact.wide.test", "exact.wide.test"),
        ("other.wide.test", "*.wide.test"),
        ("x.deep.wide.test", "*.deep.wide.test"),
        ("mail.example", "mail.*"),
        ("me.users.test", "~^(?<who>.+)\\.users\\.test$"),
        ("unknown.test", None),
    ],
)
def test_the_server_by_its_name(read, name, pattern):
    group = routing.listens_at(routing.listens(read(SERVERS)), "127.0.0.1", "80")
    one, found = routing.server_for(group, name)
    assert found == pattern
    assert pattern is not None or routing.names(one.server) == ["first"]


def test_the_default_server_is_the_one_that_says_so(read):
    group = routing.listens(read("server { server_name a; } server { listen 80 default_server; server_name b; }"))
    one, pattern = routing.server_for(group, "c")
    assert (routing.names(one.server), pattern) == (["b"], None)


def test_an_address_of_its_own_takes_the_connection_from_those_for_all(read):
    known = routing.listens(read("server { server_name all; } server { listen 127.0.0.1:80; server_name one; }"))
    assert [routing.names(one.server) for one in routing.listens_at(known, "127.0.0.1", "80")] == [["one"]]
    assert [routing.names(one.server) for one in routing.listens_at(known, "192.0.2.7", "80")] == [["all"]]
    assert routing.reachable(known, known[0], ["192.0.2.7"]) == "192.0.2.7"
    assert routing.reachable(known, known[1], ["192.0.2.7"]) == "127.0.0.1"
    assert routing.listens_at(known, "::1", "80") == []


LOCATIONS = """
server {
    location / { }
    location = /exact { }
    location /static/ { }
    location ^~ /media/ { }
    location /docs/ { location ~ \\.html$ { } location /docs/old/ { } }
    location ~ \\.PNG$ { }
    location ~* \\.(css|png)$ { }
    location =/near { }
    location @named { }
}
"""


@pytest.mark.parametrize(
    ("path", "args"),
    [
        ("/", ("/",)),
        ("/exact", ("=", "/exact")),
        ("/exactly", ("/",)),
        ("/near", ("=/near",)),
        ("/static/x.js", ("/static/",)),
        ("/static/x.css", ("~*", "\\.(css|png)$")),
        ("/static/x.PNG", ("~", "\\.PNG$")),
        ("/media/x.png", ("^~", "/media/")),
        ("/docs/a.html", ("~", "\\.html$")),
        ("/docs/a.txt", ("/docs/",)),
        ("/docs/old/a.txt", ("/docs/old/",)),
        ("/docs/old/a.css", ("~*", "\\.(css|png)$")),
    ],
)
def test_the_location_by_its_path(read, path, args):
    (one,) = routing.listens(read(LOCATIONS))
    assert routing.location_for(one.server, path).args == args


def test_a_server_without_locations_answers_every_path(read):
    (one,) = routing.listens(read("server { return 444; }"))
    assert routing.location_for(one.server, "/") is one.server


def test_of_two_servers_with_the_same_name_the_first_counts(read):
    text = (
        "server { server_name a.test; } server { server_name .test *.test ~a; } server { server_name a.test *.test; }"
    )
    known = routing.listens(read(text))
    assert routing.server_for(known, "a.test") == (known[0], "a.test")
    assert routing.server_for(known, "b.test") == (known[1], ".test")


def test_names_are_read_once_for_thousands_of_requests(read, monkeypatch):
    """Reading the names of all servers at each request took 50 of the 76 seconds that 1,000 sites needed."""
    known = routing.listens(read("".join(f"server {{ server_name s{number}.test; }}" for number in range(300))))
    asked, names = [], routing.names
    monkeypatch.setattr(routing, "names", lambda server: asked.append(server) or names(server))
    table = routing.Routing(known, [])
    for number in range(300):
        assert table.server_for("127.0.0.1", "80", f"s{number}.test") == (known[number], f"s{number}.test")
    assert len(asked) == 300
