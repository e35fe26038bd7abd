"""nginx's configuration as it is read: files, lines, quotes, and what is inherited."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import config_tree

MAIN = """user www-data;
http {
    client_max_body_size 2m; # not 3m;
    include sites/*.conf;
    map $uri $x { default ""; "~\\.css$" a; }
}
"""
SHOP = """
server {
    server_name "shop.example.test"
        www.shop.example.test;
    location /static/ {
        alias '/srv/shop/it''s/'; }
    location ~ "\\.(css|js){1}$" { root "/a \\"b\\" \\\\c"; }
}
"""


@pytest.fixture
def read(tmp_path):
    def read(main=MAIN, **sites):
        (tmp_path / "nginx.conf").write_text(main)
        (tmp_path / "sites").mkdir()
        for name, text in sites.items():
            (tmp_path / "sites" / f"{name}.conf").write_text(text)
        return config_tree.read(str(tmp_path / "nginx.conf"))

    return read


def servers(read_tree):
    return read_tree.own("http").children("server")


def test_included_files_have_lines_of_their_own(read, tmp_path):
    (server,) = servers(read(shop=SHOP))
    assert server.where == f"{tmp_path}/sites/shop.conf:2"
    names = server.own("server_name")
    assert names.args == ("shop.example.test", "www.shop.example.test")
    assert names.where == f"{tmp_path}/sites/shop.conf:3"
    assert [location.line for location in server.children("location")] == [5, 7]


def test_words_are_unquoted_as_nginx_does(read):
    (server,) = servers(read(shop=SHOP.replace("''", "\\'")))
    static, scripts = server.children("location")
    assert static.own("alias").args == ("/srv/shop/it's/",)
    assert scripts.args == ("~", "\\.(css|js){1}$")
    assert scripts.own("root").args == ('/a "b" \\c',)


def test_a_block_inherits_from_the_blocks_around_it(read):
    read_tree = read(shop=SHOP)
    (server,) = servers(read_tree)
    location = server.children("location")[0]
    assert location.inherited("client_max_body_size").args == ("2m",)
    assert location.own("client_max_body_size") is None
    assert location.inherited("user").line == 1
    assert location.inherited("error_log") is None


def test_includes_in_the_order_of_their_names_and_not_for_ever(read):
    read_tree = read(b="server { server_name b; }", a="server { server_name a; include sites/a.conf; }")
    assert [one.own("server_name").args for one in servers(read_tree)] == [("a",), ("b",)]


def test_what_follows_lua_is_read(read):
    lua = 'server {\n  content_by_lua_block { if "}" then\n a = "{" end }\n  server_name later;\n}'
    (server,) = servers(read(lua=lua))
    assert (server.own("server_name").args, server.own("server_name").line) == (("later",), 4)


@pytest.mark.parametrize("broken", ["server {", "} server { }", 'server { "', "server { server_name x", ""])
def test_directives_that_nginx_refuses_are_left_out(read, broken):
    assert len(servers(read(broken=broken, shop=SHOP))) in (1, 2)


def test_a_host_without_nginx_has_an_empty_tree(tmp_path):
    assert config_tree.read(str(tmp_path / "nginx.conf")).block == []


def test_below_finds_what_is_nested(read):
    (server,) = servers(read(shop="server { location / { location /a/ { alias /x/; } } }"))
    assert [one.args for one in server.below("alias")] == [("/x/",)]


class CountingList(list):
    """A list that counts the elements that are read from it."""

    count = 0

    def __iter__(self):
        self.count += len(self)
        return super().__iter__()

    def __getitem__(self, key):
        found = super().__getitem__(key)
        self.count += len(found) if isinstance(key, slice) else 1
        return found


def test_a_block_of_thousands_is_searched_once(read):
    text = "".join(f"server {{ server_name s{number}; }} " for number in range(1000))
    http = read(f"http {{ {text} gzip on; }}").own("http")
    http.block = CountingList(http.block)
    for server in http.children("server"):
        assert server.inherited("root") is None
        assert server.inherited("gzip").args == ("on",)
    assert http.block.count == 1001
    http.block.append(config_tree.Directive("root", ("/srv",), parent=http))
    assert http.own("root").args == ("/srv",)
