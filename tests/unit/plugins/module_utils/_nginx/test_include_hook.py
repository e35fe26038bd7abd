"""Where the entry file is placed, and when nginx.conf may be replaced."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import include_hook

DEBIAN = """
include /etc/nginx/modules-enabled/*.conf;
http {
    # include /etc/nginx/commented/*;
    include /etc/nginx/mime.types;
    include /etc/nginx/conf.d/*.conf;
    include /etc/nginx/sites-enabled/*;
}
"""
STREAM = "stream {\n    include /etc/nginx/stream.d/*;\n}\n"
NGINX_ORG = "http {\n    include mime.types;\n    include conf.d/*.conf;\n}\n"


@pytest.mark.parametrize(
    ("nginx_conf", "directory"),
    [
        (DEBIAN, "/etc/nginx/sites-enabled"),
        (NGINX_ORG, "/etc/nginx/conf.d"),
        (DEBIAN + STREAM, "/etc/nginx/sites-enabled"),
        (STREAM + NGINX_ORG, "/etc/nginx/conf.d"),
        ("http { include 'conf.d/*.conf'; server { include snippets/*; } }", "/etc/nginx/conf.d"),
    ],
)
def test_entry_goes_to_the_last_include(nginx_conf, directory):
    assert str(include_hook.include_directory(nginx_conf, "/etc/nginx")) == directory


@pytest.mark.parametrize(
    "nginx_conf",
    [
        "http {\n}\n",
        "http {\n    include /srv/vhosts/*;\n}\n",
        "include /etc/nginx/conf.d/*.conf;\nhttp {\n}\n",
        "http {\n}\n" + STREAM,
        "http { server { include /etc/nginx/conf.d/*.conf; } }",
        "http { # include /etc/nginx/conf.d/*.conf;\n}",
        "}",
    ],
)
def test_a_missing_include_is_refused_with_a_remedy(nginx_conf):
    with pytest.raises(include_hook.NoInclude, match=r"add 'include /etc/nginx/conf\.d/\*\.conf;'"):
        include_hook.include_directory(nginx_conf, "/etc/nginx")


def test_entry_files_of_a_managed_nginx_conf(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / include_hook.ENTRY).touch()
    files = include_hook.entry_files(str(tmp_path), str(tmp_path / "nginx.conf"), DEBIAN, owns_nginx_conf=True)
    assert files[str(tmp_path / "conf.d" / include_hook.ENTRY)] is None
    assert include_hook.is_entry_file(files[str(tmp_path / "nginx.conf")])


def test_an_entry_file_that_our_nginx_conf_includes_stays():
    files = include_hook.entry_files("/etc/nginx", "/etc/nginx/nginx.conf", NGINX_ORG, owns_nginx_conf=True)
    assert "live/http.conf;" in files["/etc/nginx/conf.d/zz-gatehouse.conf"]
    assert include_hook.is_entry_shared("/etc/nginx", NGINX_ORG)
    assert not include_hook.is_entry_shared("/etc/nginx", DEBIAN)
    assert not include_hook.is_entry_shared("/etc/nginx", "http {\n}\n")


def test_entry_files_beside_others():
    files = include_hook.entry_files("/etc/nginx", "/etc/nginx/nginx.conf", DEBIAN, owns_nginx_conf=False)
    assert files["/etc/nginx/nginx.conf"] == DEBIAN
    assert "include /etc/nginx/gatehouse/live/http.conf;" in files["/etc/nginx/sites-enabled/zz-gatehouse.conf"]


def dump_of(*paths):
    return "".join(f"# configuration file {path}:\nx\n" for path in paths)


def test_a_changed_or_unknown_file_prevents_managing_nginx_conf(tmp_path):
    shipped = tmp_path / "nginx.conf"
    shipped.write_text("user www-data;\n")
    digest = hashlib.md5(shipped.read_bytes()).hexdigest()

    def dpkg(command):
        return 0, f" {shipped} {digest}\n", ""

    conf_dir = str(tmp_path)
    assert include_hook.foreign_file(dump_of(shipped), conf_dir, dpkg) is None
    other = tmp_path / "blog.conf"
    other.write_text("server {}\n")
    assert include_hook.foreign_file(dump_of(shipped, other), conf_dir, dpkg) == str(other)
    shipped.write_text("user root;\n")
    assert include_hook.foreign_file(dump_of(shipped), conf_dir, dpkg) == str(shipped)
    other.write_text(include_hook.entry_content(conf_dir, "http.conf"))
    assert include_hook.foreign_file(dump_of(other), conf_dir, dpkg) is None
