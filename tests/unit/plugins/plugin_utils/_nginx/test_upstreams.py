"""What is rendered for groups of hosts, and for a host behind balancers."""

from __future__ import annotations

import re

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.render import render

HOST = EXPECTED | {"conf_dir": "/etc/nginx", "user": "www-data", "ipv6": True, "symlinks": {}}
APP = {"path": "/", "proxy_pass": "http://web"}
FILES = {"path": "/static/", "proxy_pass": "http://web", "files": True}
SERVERS = ["10.0.0.1:80", "10.0.0.2:80"]


def rendered(**options):
    site = {
        "name": "shop",
        "server_name": ["shop.example"],
        "upstreams": {"web": SERVERS},
        "locations": [APP],
    } | options
    params = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]}).validated_parameters
    return render(HOST, params["sites"], None)["sites"]["shop"]


def content(**options):
    return rendered(**options)["content"]


def block(text, begin):
    return re.search(rf"^( *){re.escape(begin)} {{\n(.*?)^\1}}", text, re.MULTILINE | re.DOTALL)[2]


def test_each_host_is_asked_although_all_seem_dead():
    servers = re.findall(r"server (.*);", block(content(), "upstream gatehouse_shop"))
    assert servers == [
        *("10.0.0.1:80 max_fails=1 fail_timeout=10s", "10.0.0.2:80 max_fails=1 fail_timeout=10s"),
        *("10.0.0.1:80 max_fails=0 backup", "10.0.0.2:80 max_fails=0 backup"),
    ]


@pytest.mark.parametrize(("hosts", "zone"), [(2, "128k"), (32, "128k"), (100, "400k")])
def test_the_state_of_many_hosts_fits_into_the_zone(hosts, zone):
    """nginx refuses a zone of 128k with 75 hosts: each is in it twice."""
    text = content(upstreams={"web": [f"10.0.1.{number}:80" for number in range(hosts)]})
    assert f"zone gatehouse_shop {zone};" in block(text, "upstream gatehouse_shop")


def test_a_request_is_repeated_on_another_host():
    text = content()
    assert "10.0.0.1" not in block(text, "upstream gatehouse_shop.but1")
    assert r'"~(?:^|[ ,])10\\.0\\.0\\.1:80$" gatehouse_shop.but1;' in text
    again = re.search(r"error_page 502 504 = (@\w+);", block(text, "location ^~ /"))[1]
    assert f"proxy_set_header X-Gatehouse-Again {again};" in block(text, "location ^~ /")
    assert re.search(r"proxy_pass http://\$gatehouse_other_\w+;", block(text, f"location {again}"))


def test_a_request_that_was_sent_is_not_repeated_by_nginx_itself():
    text = content()
    assert text.count("proxy_next_upstream off;") == text.count("proxy_pass ") == 2


def test_an_upload_that_nginx_has_not_kept_is_not_repeated():
    assert "if ($gatehouse_once)" not in block(content(), "location @gatehouse_again_1")
    assert "if ($gatehouse_once)" in block(content(buffering=False), "location @gatehouse_again_1")


def test_files_are_asked_for_on_each_host():
    text = content(locations=[APP, FILES])
    assert "http_404" in block(text, "location ^~ /static/")
    assert "$gatehouse_once" not in block(text, "location ^~ /static/")
    assert 'X-Gatehouse-Again "";' in block(text, "location ^~ /static/")


def test_maintenance_does_not_concern_files():
    text = content(locations=[APP, FILES], maintenance=True)
    assert "return 503" in block(text, "location ^~ /")
    assert "proxy_pass" in block(text, "location ^~ /static/")
    assert "location @" not in text


@pytest.mark.parametrize(
    ("options", "connect", "read"),
    [({}, "2s", "65000ms"), ({"proxy_connect_timeout": "1s", "proxy_read_timeout": "5m"}, "1s", "305000ms")],
)
def test_a_host_answers_in_time_itself(options, connect, read):
    for name in ("location ^~ /", "location @gatehouse_again_1"):
        text = block(content(**options), name)
        assert f"proxy_connect_timeout {connect};" in text
        assert f"proxy_read_timeout {read};" in text


def test_the_rules_of_a_path_hold_where_a_request_is_repeated():
    text = content(locations=[APP | {"allow": ["10.0.0.0/8"], "rate": "5r/s"}], deny=["192.0.2.1"])
    again = block(text, "location @gatehouse_again_1")
    assert "allow 10.0.0.0/8;" in again
    # A visitor pays for a request once.
    assert "limit_req" not in again


def test_one_server_is_as_it_was():
    one = content(upstreams={}, locations=[{"path": "/", "proxy_pass": "http://10.0.0.1:80"}])
    assert "zone" not in one
    assert "Again" not in one


def test_a_host_serves_its_balancers_alone():
    behind = {"addresses": ["10.0.0.9"], "balancers": True}
    text = content(upstreams={}, locations=[{"path": "/", "proxy_pass": "http://unix:/a.sock"}], behind=behind)
    assert re.search(r'if \(\$gatehouse_front_\w+ = ""\) {\n +return 444;', text)
    # The balancer says where it wants the request back; the application is not told.
    assert "add_header X-Accel-Redirect $http_x_gatehouse_again always;" in text
    assert 'proxy_set_header X-Gatehouse-Again "";' in text
    # nginx takes the first error_page of a status.
    assert text.index("error_page 502 = @gatehouse_unreached;") < text.index("server.conf;")


def test_a_balancer_expects_a_release():
    text = content(releases={"web": "/var/lib/gatehouse/expected/shop"})
    variable = re.search(r"map \$upstream_status (\$gatehouse_expected_\w+) {", text)[1]
    # After each of the two hosts has given it back twice, one may serve it with any release.
    assert r'"~(?:\\b503\\b.*){4}" "";' in text
    for name in ("location ^~ /", "location @gatehouse_again_1"):
        assert "root /var/lib/gatehouse/expected/shop;" in block(text, name)
        assert f"proxy_set_header X-Gatehouse-Release {variable};" in block(text, name)
    # A visitor cannot say it.
    assert 'proxy_set_header X-Gatehouse-Release "";' in block(content(), "location ^~ /")


def test_a_host_compares_the_release():
    behind = {"addresses": ["10.0.0.9"], "balancers": True}
    app = {"path": "/", "proxy_pass": "http://unix:/srv/shop/current/web.sock"}
    found = block(content(upstreams={}, locations=[app], behind=behind), "location ^~ /")
    assert "root /srv/shop/current;" in found
    assert re.search(r"if \(\$gatehouse_other_release\) {\n +return 502;", found)


@pytest.mark.parametrize(
    ("sent", "is_other"),
    [
        ("", False),
        ("/expected/shop.d/any", False),
        ("/expected/shop.d/abc-2", False),
        ("/expected/shop.d/abc-1+abc-2", False),
        ("/expected/shop.d/abc-2+abc-3", False),
        ("/expected/shop.d/abc-1", True),
        ("/expected/shop.d/abc-1+abc-3", True),
        ("/expected/shop.d/abc-22", True),
        ("/expected/shop.d/abc-1+bc-2", True),
    ],
)
def test_a_host_has_another_release_than_those_that_a_balancer_expects(sent, is_other):
    found = render(HOST, [], None)["shared"]["http.conf"].partition("$gatehouse_other_release {")[2].partition("\n}")[0]
    same = re.findall(r'"~(.*)" "";', found)
    assert len(same) == 3
    assert any(re.search(pattern, f"{sent}|/srv/shop/releases/abc-2") for pattern in same) != is_other


def test_a_balancer_verifies_the_hosts():
    authorities = {"web": dict.fromkeys(SERVERS, "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----")}
    found = rendered(locations=[APP, FILES], upstream_authorities=authorities)
    assert found["authorities"] == authorities
    text = found["content"]
    assert "http://gatehouse" not in text
    assert "proxy_pass https://gatehouse_shop$gatehouse_once;" in block(text, "location ^~ /")
    for name in ("location ^~ /", "location ^~ /static/", "location @gatehouse_again_1"):
        secure = [line.strip() for line in block(text, name).splitlines() if "proxy_ssl" in line]
        assert secure == [
            "proxy_ssl_verify on;",
            "proxy_ssl_trusted_certificate /etc/nginx/gatehouse/live/authorities/shop.web.crt;",
            "proxy_ssl_name shop.gatehouse.internal;",
            "proxy_ssl_server_name on;",
            "proxy_ssl_protocols TLSv1.2 TLSv1.3;",
        ]
    assert "proxy_ssl" not in content()


def test_a_host_accepts_balancers_with_tls_and_without_it():
    behind = {"addresses": ["10.0.0.9"], "balancers": True}
    app = {"path": "/", "proxy_pass": "http://unix:/srv/shop/current/web.sock"}
    tls = {"tls": "host", "tls_certificate": "/etc/a.crt", "tls_key": "/etc/a.key"}
    found = rendered(upstreams={}, locations=[app], behind=behind, **tls)
    servers = re.findall(r"^server {\n(.*?)^}", found["content"], re.MULTILINE | re.DOTALL)
    assert len(servers) == 1
    assert re.findall(r"listen ([^ ;]+)", servers[0]) == ["80", "[::]:80", "443", "[::]:443"]
    assert "server_name shop.example shop.gatehouse.internal;" in servers[0]
    # The balancer says which scheme the visitor has used, and redirects.
    assert "308" not in servers[0]
    assert found["tls"]["names"] == ["shop.gatehouse.internal"]
