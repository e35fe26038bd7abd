"""The server blocks of a site: what is served and what is redirected, with and without TLS."""

from __future__ import annotations

import re

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.render import render
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.servers import host_pattern

OLD = {"installed": True, "version": "1.22.1", "openssl_version": "3.0.17"}
NEW = {"installed": True, "version": "1.26.3", "openssl_version": "3.5.4"}
HTTP3 = NEW | {"configure_arguments": ["--with-http_v3_module"]}
PROXY = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}
FILES = {"path": "/static/", "alias": "/srv/static/"}
PEM = "/etc/nginx/gatehouse/certificates/shop.pem"


def rendered(host=None, certified=(), **options):
    host = EXPECTED | {"conf_dir": "/etc/nginx", "user": "www-data", "ipv6": False} | (host or NEW)
    host["symlinks"] = {alias: {"mode": "refuse", "trusted": "/srv"} for alias in (FILES["alias"], "/srv/m/")}
    host["certified"] = {"shop": list(certified)}
    site = {"name": "shop", "server_name": ["shop.example"], "locations": [PROXY], "tls": "self_signed"} | options
    return render(
        host, ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]}).validated_parameters["sites"], None
    )


def servers(**options):
    """The lines of each server block."""
    text = rendered(**options)["sites"]["shop"]["content"]
    return [[line.strip() for line in part.splitlines()] for part in text.split("\nserver {\n")[1:]]


def redirects(**options):
    """What is redirected where: scheme and names, and the target."""
    found = {}
    for server in servers(**options):
        target = [line for line in server if line.startswith("return 308 ")]
        if target:
            (names,) = [line for line in server if line.startswith("server_name ")]
            scheme = "https" if any(" ssl" in line for line in server) else "http"
            found[scheme, names.removeprefix("server_name ").rstrip(";")] = target[0].split()[2].rstrip(";")
    return found


def served(**options):
    """The names that are served, by scheme."""
    found = {}
    for server in servers(**options):
        if not any(line.startswith("return 308 ") for line in server):
            (names,) = [line for line in server if line.startswith("server_name ")]
            scheme = "https" if any(" ssl" in line for line in server) else "http"
            found[scheme] = names.removeprefix("server_name ").rstrip(";").split()
    return found


def test_http_is_redirected_and_https_is_served():
    assert redirects() == {("http", "shop.example"): "https://shop.example$request_uri"}
    assert served() == {"https": ["shop.example"]}


def test_each_name_is_redirected_to_itself():
    found = redirects(server_name=["shop.example", "b.example"], redirect_from=["www.shop.example"])
    assert found == {
        ("http", "shop.example"): "https://shop.example$request_uri",
        ("http", "b.example"): "https://b.example$request_uri",
        ("http", "www.shop.example"): "https://shop.example$request_uri",
        ("https", "www.shop.example"): "https://shop.example$request_uri",
    }


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        ("*.a.example", ["x.a.example", "x.y.a.example"], ["a.example", "xa.example", "x.a.example.evil"]),
        (".a.example", ["a.example", "x.a.example"], ["xa.example", "a.example.evil"]),
        ("www.example.*", ["www.example.org"], ["evil.www.example.org", "www-example.org"]),
    ],
)
def test_a_wildcard_redirects_only_matching_hosts(pattern, right, wrong):
    (redirect,) = [
        server for server in servers(server_name=[pattern, "b.example"]) if f"server_name {pattern};" in server
    ]
    assert "return 308 https://$host$request_uri;" in redirect
    assert redirect[redirect.index("return 444;") - 1].startswith("if ($host !~* ")
    assert [name for name in right + wrong if re.search(host_pattern(pattern), name)] == right


def test_another_port_is_part_of_the_target_and_of_alt_svc():
    options = {"tls_listen": ["8443"], "http3": True, "host": HTTP3}
    assert redirects(**options) == {("http", "shop.example"): "https://shop.example:8443$request_uri"}
    assert 'add_header Alt-Svc "h3=\\":8443\\"; ma=86400" always;' in servers(**options)[-1]


def test_http2_in_the_form_that_nginx_speaks():
    assert "listen 443 ssl http2;" in servers(host=OLD)[-1]
    assert "http2 on;" not in servers(host=OLD)[-1]
    assert "listen 443 ssl;" in servers(host=NEW)[-1]
    assert "http2 on;" in servers(host=NEW)[-1]
    # In check mode there may be no nginx yet.
    assert "http2 on;" in servers(host={})[-1]


def test_http3_only_where_it_is_asked_for_and_built_in():
    assert "listen 443 quic;" in servers(host=HTTP3, http3=True)[-1]
    assert "listen 443 quic;" not in servers(host=HTTP3)[-1]
    with pytest.raises(ValueError, match=r"site 'shop': http3 is not supported by nginx 1\.22\.1"):
        servers(host=OLD, http3=True)


def test_key_and_chain_are_one_file():
    assert {f"ssl_certificate {PEM};", f"ssl_certificate_key {PEM};"} <= set(servers()[-1])


def test_the_profile():
    text = rendered(host=OLD)["shared"]["tls.conf"]
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in text
    assert "ssl_ecdh_curve X25519:prime256v1:secp384r1;" in text
    assert "ssl_session_tickets off;" in text
    assert 'ssl_ecdh_curve "?X25519MLKEM768:X25519:prime256v1:secp384r1";' in rendered(host=NEW)["shared"]["tls.conf"]


def test_every_location_repeats_the_headers():
    snippet = {"path": "/a/", "proxy_pass": "http://a", "snippet": 'add_header X-B "c";'}
    untrusted = {"path": "/m/", "alias": "/srv/m/", "untrusted": True}
    options = {"hsts": "max-age=300", "headers": {"X-A": "b c"}, "locations": [PROXY, FILES, untrusted, snippet]}
    ours = {'add_header Strict-Transport-Security "max-age=300" always;', 'add_header X-A "b c" always;'}
    block = []
    for line in servers(redirect_from=["b.example"], **options)[-1]:
        if line.startswith("location "):
            block = []
        block.append(line)
        if line == "}" and any(one.startswith("add_header") for one in block):
            # What is proxied has the site's value in a variable, which is empty if the application has sent one.
            values = [one for one in block if "$gatehouse_header_" in one]
            assert ours <= set(block) or (len(values) == len(ours) and "proxy_pass http://" in "".join(block)), block
            block = []
    (redirect,) = [server for server in servers(redirect_from=["b.example"], **options) if server[0].endswith("ssl;")][
        :1
    ]
    assert ours <= set(redirect)


def test_no_hsts_over_plain_http():
    options = {"tls": "acme", "hsts": "max-age=300", "headers": {"X-A": "b"}}
    plain, secure = servers(**options)
    assert "add_header X-A b always;" in plain
    assert not [line for line in plain if "Strict-Transport" in line]
    assert 'add_header Strict-Transport-Security "max-age=300" always;' in secure


def test_the_error_pages_are_there_once_with_and_without_headers():
    parts = rendered()
    pages = "location ^~ /gatehouse-pages/ {"
    assert pages in parts["shared"]["server.conf"]
    assert pages not in parts["shared"]["server_without_pages.conf"]
    assert parts["shared"]["server_without_pages.conf"].count("location ~ ") == 1
    for options in ({}, {"headers": {"X-A": "b"}}):
        (secure,) = [server for server in servers(**options) if "http2 on;" in server]
        assert (pages in secure) == ("include /etc/nginx/gatehouse/live/server_without_pages.conf;" in secure)
        assert (pages in secure) != ("include /etc/nginx/gatehouse/live/server.conf;" in secure)


ACME = {"tls": "acme", "server_name": ["a.example", "b.example"], "redirect_from": ["www.a.example"]}


def test_without_a_certificate_nothing_is_redirected_to_https():
    assert served(**ACME) == {"http": ["a.example", "b.example"], "https": ["a.example", "b.example"]}
    assert redirects(**ACME) == {
        ("http", "www.a.example"): "http://a.example$gatehouse_port$request_uri",
        ("https", "www.a.example"): "https://a.example$request_uri",
    }


def test_only_covered_names_are_redirected_to_https():
    found = {"certified": ["a.example", "www.a.example"]}
    assert served(**ACME, **found) == {"http": ["b.example"], "https": ["a.example", "b.example"]}
    assert redirects(**ACME, **found) == {
        ("http", "a.example"): "https://a.example$request_uri",
        ("http", "www.a.example"): "https://a.example$request_uri",
        ("https", "www.a.example"): "https://a.example$request_uri",
    }


def test_with_a_certificate_for_all_names_http_is_redirected():
    assert served(**ACME, certified=["a.example", "b.example", "www.a.example"]) == {
        "https": ["a.example", "b.example"]
    }


def test_the_challenge_is_always_answered_on_port_80():
    for certified in ([], ["a.example"], ["a.example", "b.example", "www.a.example"]):
        for server in servers(**ACME, certified=certified):
            challenged = "include /etc/nginx/gatehouse/live/acme.conf;" in server
            assert challenged == (not any(" ssl" in line for line in server))
            # A return of the server itself would be there before any location.
            if challenged and any(line.startswith("return 308") for line in server):
                assert server[[line.startswith("return 308") for line in server].index(True) - 1] == "location / {"


def test_a_sites_record():
    claimed = rendered(host=OLD, redirect_from=["www.shop.example"])["sites"]["shop"]
    assert claimed["tls"] == {
        "mode": "self_signed",
        "listen": ["443"],
        "options": ["ssl", "http2"],
        "http3": False,
        "names": ["shop.example", "www.shop.example"],
    }
    assert "tls" not in rendered(tls="off")["sites"]["shop"]


def listening(**options):
    """The parameters of each listen, by names."""
    found = {}
    for server in servers(**options):
        (names,) = [line for line in server if line.startswith("server_name ")]
        lines = [line.removeprefix("listen ").rstrip(";") for line in server if line.startswith("listen ")]
        found.setdefault(names.removeprefix("server_name ").rstrip(";"), []).extend(lines)
    return found


def test_a_default_site_without_tls():
    assert listening(tls="off", default=True, redirect_from=["b.example"]) == {
        "shop.example": ["80 default_server"],
        "b.example": ["80"],
    }


def test_a_default_site_with_tls_serves_unknown_names_on_both_ports():
    assert listening(default=True, http3=True, host=HTTP3) == {
        "shop.example": ["80", "443 ssl default_server", "443 quic reuseport default_server"],
        '""': ["80 default_server"],
    }
    assert served(default=True) == {"http": ['""'], "https": ["shop.example"]}
