"""What nginx serves over HTTPS, and what over HTTP."""

import socket
import ssl

import pytest
from helpers.http import Visitor, raw
from helpers.tls import TIMEOUT, connect, get, trusting

SITES = ["shop.example.test", "shop2.example.test", "blog.example.test", "brought.example.test", "self.example.test"]
HSTS = "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("name", [*SITES, "any.self.example.test"])
def test_the_application_answers_and_sees_https(address, unverifying, name):
    answer = get(address, name, "/page?a=b", unverifying)
    assert answer.status == 200
    seen = answer.json()
    assert seen["path"] == "/page?a=b"
    assert seen["headers"]["X-Forwarded-Proto"] == "https"
    assert seen["headers"]["Host"] == name


@pytest.mark.parametrize("name", ["shop.example.test", "shop2.example.test", "blog.example.test"])
def test_the_certificate_of_the_authority_fits_the_name(address, verifying, name):
    assert get(address, name, "/", verifying).status == 200


def test_the_operators_certificate_is_sent_with_its_chain(address, host):
    root = host.check_output("cat /etc/pebble/root.pem")
    assert get(address, "brought.example.test", "/", trusting(root)).status == 200


def test_a_self_signed_certificate_fits_its_names(address, host):
    own = host.check_output("openssl x509 -in /etc/nginx/gatehouse/certificates/self.pem")
    assert get(address, "self.example.test", "/", trusting(own)).status == 200
    assert get(address, "any.self.example.test", "/", trusting(own)).status == 200


@pytest.mark.parametrize("name", [*SITES, "any.self.example.test"])
def test_http_is_redirected_with_path_and_query(address, name):
    answer = Visitor(address, name).get("/some/path?q=a%20b&c=%2F")
    assert answer.status == 308
    assert answer.headers["Location"] == f"https://{name}/some/path?q=a%20b&c=%2F"


def test_a_post_is_redirected_as_a_post(address):
    assert Visitor(address, "shop.example.test").request("POST", "/", body=b"a=b").status == 308


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_other_name_is_redirected_to_the_first_at_once(address, verifying, scheme):
    name, path = "www.shop.example.test", "/a?b=%2F"
    answer = Visitor(address, name).get(path) if scheme == "http" else get(address, name, path, verifying)
    assert answer.status == 308
    assert answer.headers["Location"] == f"https://shop.example.test{path}"


def test_a_site_without_tls_is_served_over_http(address):
    assert Visitor(address, "plain.example.test").get("/").status == 200


@pytest.mark.parametrize("name", ["unknown.example.test", "plain.example.test", "a.shop.example.test", None])
def test_an_unknown_name_gets_no_handshake(address, unverifying, name):
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        connect(address, name, unverifying)


def test_an_unknown_host_gets_no_answer(address):
    assert raw(address, b"GET / HTTP/1.1\r\nHost: evil.example.test\r\n\r\n") == b""


def test_an_unknown_host_after_a_known_handshake_gets_421(address, unverifying):
    answer = get(address, "shop.example.test", "/", unverifying, host="www.shop.example.test")
    assert answer.headers["Location"] == "https://shop.example.test/"
    assert get(address, "shop.example.test", "/", unverifying, host="evil.example.test").status == 421


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), ([], None)],
)
@pytest.mark.parametrize("name", ["shop.example.test", "brought.example.test", "www.shop.example.test"])
def test_alpn(address, unverifying, name, offered, chosen):
    if offered:
        unverifying.set_alpn_protocols(offered)
    with connect(address, name, unverifying) as connection:
        assert connection.selected_alpn_protocol() == chosen


def test_an_unknown_protocol_gets_no_connection(address, unverifying):
    unverifying.set_alpn_protocols(["spdy/1"])
    with pytest.raises(ssl.SSLError):
        connect(address, "shop.example.test", unverifying)


def test_http2_with_a_real_client(host):
    command = "curl --silent --insecure --http2 --output /dev/null --write-out '%{http_version} %{http_code}' https://"
    assert host.check_output(f"{command}shop.example.test/") == "2 200"
    assert host.check_output(f"{command}shop.example.test/static/style.css") == "2 200"


def test_plain_http_is_not_http2(address):
    """Not even for a client that knows beforehand."""
    assert not raw(address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").startswith(b"\x00\x00")


@pytest.mark.parametrize(("version", "works"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
@pytest.mark.parametrize("name", ["shop.example.test", "self.example.test"])
def test_protocols(address, unverifying, name, version, works):
    unverifying.set_ciphers("DEFAULT:@SECLEVEL=0")
    unverifying.minimum_version = unverifying.maximum_version = getattr(ssl.TLSVersion, version)
    try:
        connect(address, name, unverifying).close()
        assert works
    except ssl.SSLError:
        assert not works


def test_a_session_is_resumed(address, unverifying):
    unverifying.maximum_version = ssl.TLSVersion.TLSv1_2
    with connect(address, "shop.example.test", unverifying) as first:
        # The worker process stores the session after it has sent the end of the handshake.
        first.sendall(b"HEAD / HTTP/1.1\r\nHost: shop.example.test\r\nConnection: close\r\n\r\n")
        assert first.recv(4096).startswith(b"HTTP/1.1 200")
        session = first.session
    connection = socket.create_connection((address, 443), timeout=TIMEOUT)
    with unverifying.wrap_socket(connection, server_hostname="shop.example.test", session=session) as second:
        assert second.session_reused
        assert not session.has_ticket


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/static/style.css", 200), ("/static/missing.css", 404), ("/static/.env", 404)]
)
def test_every_answer_has_the_headers_of_the_site(address, unverifying, path, status):
    answer = get(address, "shop.example.test", path, unverifying)
    assert answer.status == status
    assert answer.headers["Strict-Transport-Security"] == HSTS
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_redirects_and_error_pages_have_the_headers_of_the_site(address, unverifying, host):
    assert get(address, "www.shop.example.test", "/", unverifying).headers["Strict-Transport-Security"] == HSTS
    host.check_output("systemctl stop shop")
    try:
        answer = get(address, "shop.example.test", "/", unverifying)
    finally:
        host.check_output("systemctl start shop")
    assert answer.status == 502
    assert answer.title() == "Temporarily unavailable"
    assert answer.headers["Strict-Transport-Security"] == HSTS
    assert answer.headers["Retry-After"] == "60"


def test_no_hsts_by_default(address, unverifying):
    assert "Strict-Transport-Security" not in get(address, "blog.example.test", "/", unverifying).headers
    assert "Strict-Transport-Security" not in Visitor(address, "shop.example.test").get("/").headers


@pytest.mark.parametrize("site", ["shop", "blog", "brought", "self"])
def test_only_root_can_read_the_file_with_key_and_chain(host, site):
    file = host.file(f"/etc/nginx/gatehouse/certificates/{site}.pem")
    assert (file.user, file.group, file.mode) == ("root", "root", 0o600)
    assert "PRIVATE KEY" in file.content_string
    assert host.file("/etc/nginx/gatehouse/certificates").mode == 0o700
    assert host.run(f"setpriv --reuid=www-data --clear-groups cat {file.path}").rc != 0


def test_http3_is_offered_where_nginx_has_it(address, unverifying, host):
    alternative = get(address, "shop.example.test", "/", unverifying).headers["Alt-Svc"]
    listens = host.run("ss --listening --udp --numeric --no-header sport = :443").stdout
    if "--with-http_v3_module" in host.run("nginx -V").stderr:
        assert alternative == 'h3=":443"; ma=86400'
        assert listens
    else:
        assert alternative is None
        assert not listens


def test_http3_with_a_real_client(host):
    """Debian 13's curl speaks it; Debian 12's nginx and curl do not."""
    speaks = "HTTP3" in host.check_output("curl --version")
    assert speaks == ("--with-http_v3_module" in host.run("nginx -V").stderr)
    if speaks:
        command = "curl --silent --insecure --http3-only --output /dev/null --write-out '%{http_version} %{http_code}'"
        assert host.check_output(f"{command} https://shop.example.test/static/style.css") == "3 200"
