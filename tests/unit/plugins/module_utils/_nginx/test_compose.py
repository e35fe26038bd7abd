"""How a candidate is composed."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.compose import compose as compose_for
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import Generation


def rendered(*names, listen=("80",), main=None, absent=()):
    sites = {
        name: {"content": f"# {name}\n", "listen": list(listen), "server_name": [f"{name}.example.com"]}
        for name in names
    }
    return {"shared": {"http.conf": "# http\n"}, "main": main or {}, "sites": sites, "absent": list(absent)}


def compose(live, parts, *, purge=False, owns=False, entry_shared=False):
    return compose_for("/etc/nginx", live, parts, purge=purge, owns_nginx_conf=owns, entry_shared=entry_shared)


EMPTY = Generation()


def test_sites_of_earlier_calls_stay():
    first = compose(EMPTY, rendered("a"))
    assert sorted(compose(first, rendered("b")).sites) == ["a", "b"]


def test_purge_removes_all_other_sites():
    first = compose(EMPTY, rendered("a"))
    second = compose(first, rendered("b"), purge=True)
    assert list(second.sites) == ["b"]
    assert "sites/a.conf" not in second.files


def test_absent_site_goes():
    assert compose(compose(EMPTY, rendered("a", "b")), rendered(absent=["a"])).sites.keys() == {"b"}


def test_composing_again_changes_nothing():
    first = compose(EMPTY, rendered("b", "a"))
    assert compose(first, rendered("a")).files == first.files


def test_default_server_listens_wherever_a_site_does():
    parts = rendered("a", listen=["80", "[::]:8080"], main={"nginx.conf": "x"})
    assert compose(EMPTY, parts, owns=True).files["default_listen.conf"] == (
        "listen 80 default_server backlog=4096;\nlisten [::]:8080 default_server backlog=4096;\n"
    )


def test_no_default_server_where_nginx_conf_is_not_ours():
    assert "default_listen.conf" not in compose(EMPTY, rendered("a")).files


def test_nginx_conf_stays_if_a_call_does_not_set_it():
    first = compose(EMPTY, rendered("a", main={"nginx.conf": "# main\n"}), owns=True)
    assert compose(first, rendered("b"), owns=True).files["nginx.conf"] == "# main\n"


@pytest.mark.parametrize("name", ["A.example.com", ".a.example.com"])
def test_one_name_for_two_sites_of_two_calls_is_refused(name):
    first = compose(EMPTY, rendered("a"))
    second = rendered("b")
    second["sites"]["b"]["server_name"] = [name]
    with pytest.raises(ValueError, match=r"\.example\.com' is claimed by site 'a' and by site 'b' on port 80"):
        compose(first, second)


def test_our_own_nginx_conf_includes_the_sites_once():
    parts = rendered("a", main={"nginx.conf": "x"})
    assert compose(EMPTY, parts, owns=True).files["entry.conf"] == "include /etc/nginx/gatehouse/live/http.conf;\n"
    assert "include" not in compose(EMPTY, parts, owns=True, entry_shared=True).files["entry.conf"].partition("\n")[2]


def test_a_managed_nginx_conf_that_is_gone_needs_its_role():
    with pytest.raises(ValueError, match=r"run the role gatehouse\.django\.nginx"):
        compose(EMPTY, rendered("a"), owns=True)


TLS = {"mode": "self_signed", "listen": ["443", "[::]:443"], "options": ["ssl", "http2"], "http3": False, "names": []}


def secured(*names, main=None, **changes):
    parts = rendered(*names, main={"nginx.conf": "x"} if main is None else main)
    for site in parts["sites"].values():
        site["tls"] = TLS | changes
    return parts


def test_without_tls_no_tls_directive_is_rendered():
    files = compose(EMPTY, rendered("a", main={"nginx.conf": "x"}), owns=True).files
    assert "tls" not in files["entry.conf"] + files["state.json"]
    assert "default_tls_server.conf" not in files


def test_tls_is_set_at_http_level_and_unknown_names_get_no_handshake():
    files = compose(EMPTY, secured("a"), owns=True).files
    includes = [f"include /etc/nginx/gatehouse/live/{name}.conf;" for name in ("tls", "default_tls_server", "http")]
    assert files["entry.conf"].splitlines() == includes
    assert "include" not in files["site_tls.conf"].partition("\n")[2]
    assert files["default_listen.conf"] == "listen 80 default_server backlog=4096;\n"
    lines = [line.strip() for line in files["default_tls_server.conf"].splitlines()]
    assert [line for line in lines if line.startswith("listen")] == [
        "listen 443 ssl http2 default_server backlog=4096;",
        "listen [::]:443 ssl http2 default_server backlog=4096;",
    ]
    assert "ssl_reject_handshake on;" in lines
    assert "return 421;" in lines
    assert (
        compose(EMPTY, secured("a"), owns=True, entry_shared=True).files["entry.conf"].startswith("include /etc/nginx/")
    )


def test_a_client_that_connects_to_an_address_gets_the_certificate_of_its_site():
    parts = secured("a", "b")
    parts["sites"]["b"]["tls"] |= {"names": ["b.example.test", "192.0.2.1"]}
    server = compose(EMPTY, parts, owns=True).files["default_tls_server.conf"]
    assert "ssl_reject_handshake" not in server
    for directive in ("ssl_certificate", "ssl_certificate_key"):
        assert f"    {directive} /etc/nginx/gatehouse/certificates/b.pem;\n" in server


def test_tls_is_set_at_server_level_if_nginx_conf_is_not_managed():
    files = compose(EMPTY, secured("a", main={})).files
    assert files["site_tls.conf"] == "include /etc/nginx/gatehouse/live/tls.conf;\n"


def test_only_the_default_server_sets_reuseport():
    files = compose(EMPTY, secured("a", "b", listen=["443"], http3=True), owns=True).files
    assert files["default_tls_server.conf"].count("listen 443 quic reuseport default_server;") == 1


def test_tls_of_an_earlier_call_stays():
    first = compose(EMPTY, secured("a"), owns=True)
    assert compose(first, rendered("b"), owns=True).sites["a"]["tls"] == TLS


def test_a_port_has_tls_for_all_sites_or_for_none():
    first = compose(EMPTY, secured("a"), owns=True)
    message = "port 443 is used with TLS by site 'a' \\(tls_listen\\) and without TLS by site 'b' \\(listen\\)"
    with pytest.raises(ValueError, match=message):
        compose(first, rendered("b", listen=["127.0.0.1:443"]), owns=True)


def test_one_name_for_two_sites_on_the_port_of_https_is_refused():
    first = compose(EMPTY, secured("a"), owns=True)
    second = secured("b")
    second["sites"]["b"] |= {"server_name": ["a.example.com"], "listen": ["81"]}
    with pytest.raises(ValueError, match="claimed by site 'a' and by site 'b' on port 443"):
        compose(first, second, owns=True)


def expecting(*names, **options):
    parts = rendered(*names, **options)
    for name in names:
        parts["sites"][name]["proxy_protocol"] = True
    return parts


def test_the_default_server_expects_the_proxy_protocol_where_the_sites_do():
    first = compose(EMPTY, rendered("a", listen=["81"], main={"nginx.conf": "x"}), owns=True)
    assert compose(first, expecting("b"), owns=True).files["default_listen.conf"] == (
        "listen 80 proxy_protocol default_server backlog=4096;\nlisten 81 default_server backlog=4096;\n"
    )


def test_sites_of_one_address_agree_about_the_proxy_protocol():
    first = compose(EMPTY, expecting("a"))
    assert first.sites["a"]["proxy_protocol"]
    with pytest.raises(ValueError, match=r"site 'a' expects the PROXY protocol on address '80' .* site 'b' does not"):
        compose(first, rendered("b"))
    assert sorted(compose(first, rendered("b", listen=["127.0.0.1:80"])).sites) == ["a", "b"]
    # Both change in one call.
    assert not compose(first, rendered("a", "b")).sites["a"].get("proxy_protocol")


def test_sites_of_one_address_with_tls_agree_about_the_proxy_protocol():
    first = compose(EMPTY, secured("a"), owns=True)
    second = secured("b")
    second["sites"]["b"]["tls"] = TLS | {"options": ["ssl", "proxy_protocol"]}
    with pytest.raises(ValueError, match=r"site 'b' expects the PROXY protocol on address '443' .* site 'a' does not"):
        compose(first, second, owns=True)


def default(name, **options):
    parts = rendered(name, **options)
    parts["sites"][name]["default"] = True
    return parts


def test_a_default_site_takes_the_place_of_the_default_server_on_its_addresses():
    first = compose(EMPTY, rendered("a", listen=["80", "81"], main={"nginx.conf": "x"}), owns=True)
    files = compose(first, default("b"), owns=True).files
    # Only one listen of an address may have a backlog: that of the default server, also here.
    assert files["default_listen.conf"] == "listen 80 backlog=4096;\nlisten 81 default_server backlog=4096;\n"


def test_a_default_site_with_tls_takes_the_place_of_the_rejected_handshake():
    first = compose(EMPTY, secured("a", listen=["443", "444"], http3=True), owns=True)
    parts = secured("b", listen=["443"])
    parts["sites"]["b"]["default"] = True
    text = compose(first, parts, owns=True).files["default_tls_server.conf"]
    # The site without HTTP/3 answers no unknown names over it.
    assert [line.strip() for line in text.splitlines() if "listen " in line] == [
        "listen 443 ssl http2 backlog=4096;",
        "listen 444 ssl http2 default_server backlog=4096;",
        "listen 443 quic reuseport default_server;",
        "listen 444 quic reuseport default_server;",
    ]
    parts = secured("b", listen=["443"], http3=True)
    parts["sites"]["b"]["default"] = True
    assert "443 quic" not in compose(first, parts, owns=True).files["default_tls_server.conf"]


def test_two_default_sites_of_one_address_are_refused():
    first = compose(EMPTY, default("a"))
    assert first.sites["a"]["default"]
    with pytest.raises(ValueError, match="site 'a' and site 'b' are both the default one of '80'"):
        compose(first, default("b"))
    assert sorted(compose(first, default("b", listen=["81"])).sites) == ["a", "b"]


def test_the_authorities_of_servers_that_were_not_asked_stay():
    server, path = "10.0.0.11:443", "authorities/a.web.crt"
    parts = rendered("a")
    parts["sites"]["a"]["authorities"] = {
        "web": {server: "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"}
    }
    first = compose(EMPTY, parts)
    assert "MA==" in first.files[path]
    parts["sites"]["a"]["authorities"] = {"web": {server: ""}}
    assert compose(first, parts).files[path] == first.files[path]
    assert compose(first, rendered("b")).files[path] == first.files[path]
    assert path not in compose(first, rendered("a")).files
    with pytest.raises(ValueError, match=r"site 'a': this host knows the certificate of none"):
        compose(EMPTY, parts)
