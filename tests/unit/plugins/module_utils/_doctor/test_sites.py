"""The names and the locations of a site."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import pass_directive


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
        ("shop.test shop.gatehouse.internal", "shop.test", "shop.test"),
    ],
)
def test_names(doctor_host, names, title, name):
    server = server_of(doctor_host(f"server {{ server_name {names}; }}"))
    assert (sites.title(server), sites.visitor_name(server)) == (title, name)


def test_the_title_of_a_server_without_a_name_is_its_place(doctor_host, tmp_path):
    assert sites.title(server_of(doctor_host("server { }"))) == f"{tmp_path}/nginx.conf:2"


def test_try_files_names_another_location(doctor_host):
    text = "location / { try_files $uri @app; } location @app { proxy_pass http://a; } location /x { try_files a /; }"
    server = server_of(doctor_host(f"server {{ {text} }}"))
    assert pass_directive(sites.final_location(server, "/"))
    assert sites.final_location(server, "/x").args == ("/",)
    assert sites.final_location(server, "/x").own("try_files")


def test_a_file_that_a_visitor_may_request(tmp_path):
    assert sites.sample_file(str(tmp_path)) is None
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").touch()
    (tmp_path / ".env").touch()
    assert sites.sample_file(str(tmp_path)) is None
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "a.css").touch()
    assert sites.sample_file(str(tmp_path)) == "css/a.css"


def test_a_link_is_requested_only_where_there_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "0")
    (tmp_path / "a").symlink_to("/srv")
    assert sites.sample_file(str(tmp_path)) == "a"
    (tmp_path / "b").touch()
    assert sites.sample_file(str(tmp_path)) == "b"
    # It may lead to another app's files, whose names the report must not show.
    (tmp_path / "media").symlink_to(tmp_path)
    tmp_path.chmod(0o777)
    assert sites.sample_file(f"{tmp_path}/media") is None
