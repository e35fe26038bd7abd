"""What a site with the option `behind` believes: a second nginx on the host ends TLS, and raw bytes try to lie."""

import http.client
import json
import socket

import pytest
from helpers.direct import driver as driver_of
from helpers.echo import lies
from helpers.hosts import eventually
from helpers.http import TIMEOUT, Answer, Visitor, raw
from helpers.tls import connect, trusting

NAME = "guestbook.example.test"
VISITOR = "203.0.113.7"
HSTS = "max-age=300"
# 8443 to the site behind it, 8444 to the one that believes nothing, 8480 as the plain port of the first.
FRONT = """
pid /run/front.pid;
error_log /run/front.log;
events {}
http {
    access_log off;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Port $server_port;
    ssl_certificate /run/front.crt;
    ssl_certificate_key /run/front.key;
    server { listen 8443 ssl; location / { proxy_pass http://127.0.0.1:8085; } }
    server { listen 8444 ssl; location / { proxy_pass http://127.0.0.1:80; } }
    server { listen 8445 ssl; location / { proxy_pass http://127.0.0.1:8087; } }
    server { listen 8480; location / { proxy_pass http://127.0.0.1:8087; } }
}
"""
CERTIFICATE = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=front"


def site(name, port, **options):
    files = {"path": "/static/", "alias": "/srv/guestbook/current/static/"}
    proxied = {"path": "/", "proxy_pass": "http://unix:/srv/guestbook/current/web.sock"}
    return {"name": name, "listen": [str(port)], "server_name": [NAME], "locations": [files, proxied], **options}


@pytest.fixture(scope="module")
def own_address(address):
    """This machine's address, as the host sees it."""
    with socket.create_connection((address, 80), timeout=5) as connection:
        return connection.getsockname()[0]


@pytest.fixture(scope="module", autouse=True)
def sites(host, address, own_address):
    driver = driver_of(host.backend.name)
    here = {"addresses": ["127.0.0.1"]}
    sites = [
        site("behind", 8085, behind=here, hsts=HSTS, redirect_from=["www.guestbook.example.test"]),
        site("raw", 8086, behind={"addresses": [own_address, "198.51.100.0/24", "2001:db8::/32"]}),
        site("secure", 8087, behind=here, tls="self_signed", tls_listen=["8447"], hsts=HSTS),
        site("cdn", 8088, behind={"addresses": [own_address], "header": "X-Visitor-IP", "scheme": "https"}),
        site("proxied", 8089, behind={"addresses": [own_address], "proxy_protocol": True}),
        site("foreign", 8090, behind={"addresses": ["192.0.2.1"], "proxy_protocol": True}),
    ]
    published = driver.publish(*sites)
    assert not published["failed"], published["msg"]
    assert not driver.publish(*sites)["changed"]
    host.check_output(f"{CERTIFICATE} -keyout /run/front.key -out /run/front.crt")
    host.check_output("printf %s > /run/front.conf", FRONT)
    host.check_output("systemd-run --quiet --collect --unit=front nginx -c /run/front.conf -g %s", "daemon off;")
    eventually(lambda: host.socket("tcp://0.0.0.0:8443").is_listening)
    yield
    host.check_output("systemctl stop front; rm -f /run/front.*")
    driver.publish(*({"name": site["name"], "state": "absent"} for site in sites))


def through(address, port, path="/whoami", method="GET", body=None, host=NAME, **headers):
    """The answer of the second nginx to a visitor who uses HTTPS there."""
    connection = http.client.HTTPSConnection(address, port, timeout=TIMEOUT)
    connection.sock = connect(address, NAME, trusting(), port)
    try:
        more = {key.replace("_", "-").title(): value for key, value in headers.items()}
        connection.request(method, path, body, {"Host": f"{host}:{port}", "Connection": "close", **more})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def told(address, port, *lines, host=NAME, before=b""):
    """What Django is told of a request with these header lines: address, scheme and host."""
    head = ["GET /whoami HTTP/1.1", f"Host: {host}", *lines, "Connection: close", "", ""]
    answer = raw(address, before + "\r\n".join(head).encode("latin-1"), port)
    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    return seen["remote_addr"], seen["scheme"], seen["host"]


def test_django_sees_the_visitor_of_the_balancer(address, own_address):
    seen = through(address, 8443).json()
    assert (seen["remote_addr"], seen["scheme"], seen["is_secure"]) == (own_address, "https", True)
    assert seen["absolute"] == f"https://{NAME}:8443/"
    assert seen["meta"]["HTTP_X_FORWARDED_FOR"] == own_address
    assert "HTTP_X_FORWARDED_PORT" not in seen["meta"]


def test_a_form_passes_the_check_of_its_origin(address):
    page = through(address, 8443, "/")
    fields = f"name=Ada&message=Hello&csrfmiddlewaretoken={page.csrf_token()}"
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    form = {"cookie": cookie, "content_type": "application/x-www-form-urlencoded"}
    sent = through(address, 8443, "/", "POST", fields, origin=f"https://{NAME}:8443", **form)
    assert sent.status == 302, sent.text
    assert through(address, 8443, "/", "POST", fields, origin=f"https://{NAME}:9999", **form).status == 403


def test_without_the_option_nothing_of_it_is_believed(address):
    seen = through(address, 8444).json()
    assert (seen["remote_addr"], seen["scheme"], seen["host"]) == ("127.0.0.1", "http", NAME)


def test_a_visitor_cannot_lie_through_the_balancer(address, own_address):
    lies = {"x_forwarded_for": VISITOR, "x_forwarded_proto": "http", "x_forwarded_port": "9999", "x_real_ip": VISITOR}
    seen = through(address, 8443, forwarded=f"for={VISITOR}", **lies).json()
    assert (seen["remote_addr"], seen["absolute"]) == (own_address, f"https://{NAME}:8443/")
    assert VISITOR not in json.dumps(seen)


def test_a_visitor_who_passes_the_balancer_by_is_believed_nothing(address, own_address):
    assert told(address, 8085, *lies(VISITOR), "X-Forwarded-Proto: https") == (own_address, "http", NAME)


def test_the_access_log_has_the_visitor(address, own_address, logged, mark):
    through(address, 8443, "/whoami", user_agent=mark)
    entry = logged(mark, "/var/log/nginx/behind.access.log")
    assert (entry["remote_addr"], entry["scheme"]) == (own_address, "https")


def test_hsts_is_sent_to_visitors_with_https_only(address):
    assert through(address, 8443).headers["Strict-Transport-Security"] == HSTS
    assert "Strict-Transport-Security" not in Visitor(address, NAME, 8085).get("/whoami").headers


def test_a_redirect_keeps_the_scheme_and_the_port_of_the_visitor(address):
    answer = through(address, 8443, "/a?b", host="www.guestbook.example.test")
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{NAME}:8443/a?b")


def test_the_redirect_to_https_is_no_loop(address):
    """The balancer passes on both kinds of visitors to the port without TLS."""
    assert through(address, 8445).json()["scheme"] == "https"
    answer = Visitor(address, NAME, 8480).get("/a?b")
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{NAME}/a?b")
    # An authority asks for its challenge without TLS: this goes on to where the challenge would be.
    assert Visitor(address, NAME, 8480).get("/.well-known/acme-challenge/x").status == 404
    # Past the balancer, and with TLS of nginx's own.
    assert Visitor(address, NAME, 8087).get("/whoami").status == 308
    assert through(address, 8447).json()["absolute"] == f"https://{NAME}:8447/"


CHAINS = {
    "one address": ([VISITOR], VISITOR),
    "an address that the visitor sent": ([f"192.0.2.66, {VISITOR}"], VISITOR),
    "two balancers": ([f"192.0.2.66, {VISITOR}, 198.51.100.3"], VISITOR),
    "two headers": (["192.0.2.66", VISITOR], VISITOR),
    "a port": ([f"{VISITOR}:5678"], VISITOR),
    "IPv6": (["2001:db9::7"], "2001:db9::7"),
    "IPv6 with a port": (["[2001:db9::7]:5678"], "2001:db9::7"),
    "a balancer with IPv6": (["2001:db9::7, 2001:db8::1"], "2001:db9::7"),
    "no address": (["unknown"], None),
    "no address before the balancer": ([f"{VISITOR}, unknown"], None),
    "an empty header": ([""], None),
    "a script": (["<script>"], None),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_the_address_is_the_last_one_that_is_no_balancer(address, own_address, chain):
    values, expected = CHAINS[chain]
    lines = [f"X-Forwarded-For: {value}" for value in values]
    assert told(address, 8086, *lines)[0] == (expected or own_address)


@pytest.mark.parametrize("line", ["Forwarded: for={}", "X_Forwarded_For: {}", "X-Real-IP: {}", "CF-Connecting-IP: {}"])
def test_no_other_header_brings_an_address(address, own_address, line):
    assert told(address, 8086, line.format(VISITOR))[0] == own_address


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["X-Forwarded-Proto: https"], ("https", NAME)),
        (["X-Forwarded-Proto: HTTPS", "X-Forwarded-Port: 443"], ("https", NAME)),
        (["X-Forwarded-Proto: wss"], ("https", NAME)),
        (["X-Forwarded-Proto: javascript"], ("http", NAME)),
        (["X-Forwarded-Proto: https, http"], ("http", NAME)),
        (["X_Forwarded_Proto: https"], ("http", NAME)),
        (["X-Forwarded-Port: 8443"], ("http", f"{NAME}:8443")),
        (["X-Forwarded-Port: 65536"], ("http", NAME)),
        (["X-Forwarded-Port: 0"], ("http", NAME)),
        (["X-Forwarded-Port: 1@evil.example"], ("http", NAME)),
    ],
)
def test_scheme_and_port_of_the_balancer(address, lines, expected):
    assert told(address, 8086, *lines)[1:] == expected


def test_the_port_that_the_visitor_wrote_is_the_right_one(address):
    assert told(address, 8086, "X-Forwarded-Port: 8080", host=f"{NAME}:8443")[2] == f"{NAME}:8443"


def test_another_header_and_a_fixed_scheme(address, own_address):
    assert told(address, 8088, f"X-Visitor-IP: {VISITOR}") == (VISITOR, "https", NAME)
    assert told(address, 8088, f"X-Forwarded-For: {VISITOR}") == (own_address, "https", NAME)
    meta = Visitor(address, NAME, 8088).get("/whoami", x_visitor_ip=VISITOR).json()["meta"]
    assert meta["HTTP_X_FORWARDED_FOR"] == VISITOR
    assert "HTTP_X_VISITOR_IP" not in meta


def test_the_proxy_protocol(address, own_address):
    first = f"PROXY TCP4 {VISITOR} 198.51.100.3 5678".encode()
    forged = ("X-Forwarded-Proto: https", "X-Forwarded-For: 192.0.2.66", "X-Forwarded-Port: 9999")
    assert told(address, 8089, *forged, before=first + b" 80\r\n") == (VISITOR, "http", NAME)
    assert told(address, 8089, *forged, before=first + b" 443\r\n") == (VISITOR, "https", NAME)
    assert told(address, 8089, before=b"PROXY TCP6 2001:db9::7 2001:db8::1 5678 443\r\n")[0] == "2001:db9::7"
    assert told(address, 8089, before=b"PROXY UNKNOWN\r\n") == (own_address, "http", NAME)


def test_a_forged_proxy_line_is_not_believed(address, own_address):
    """From an address that is not listed: nginx reads the line and keeps the address of the connection."""
    first = f"PROXY TCP4 {VISITOR} 198.51.100.3 5678 443\r\n".encode()
    assert told(address, 8090, before=first) == (own_address, "http", NAME)


def test_a_connection_without_a_proxy_line_is_closed(address):
    assert raw(address, f"GET /whoami HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode(), 8089) == b""


def test_sites_of_one_address_agree_about_the_proxy_protocol(host):
    driver = driver_of(host.backend.name)
    refused = driver.publish(site("other", 8089) | {"server_name": ["other.example.test"]})
    assert refused["failed"]
    for word in ("'proxied'", "'other'", "8089", "Nothing was changed"):
        assert word in refused["msg"]


# The second is the URL of the balancer, which only the balancer serves.
@pytest.mark.parametrize("url", [f"http://{NAME}:8089/whoami", f"https://{NAME}:8443/whoami"])
def test_the_doctor_finds_nothing_wrong(host, url):
    found = driver_of(host.backend.name).doctor(url=url)
    assert not found["failed"], found
    # The name has no DNS record here.
    causes = [finding["cause"] for finding in found["findings"] if finding["site"] == NAME]
    assert [cause for cause in causes if "finds no address" not in cause] == []
