"""Each app sees the visitor's address, scheme, host and port, whatever headers a visitor sends."""

import json
import socket

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import request_headers
from helpers.direct import driver as driver_of
from helpers.echo import echoed, echoing, lies
from helpers.hosts import eventually
from helpers.http import raw
from helpers.tls import connect, trusting
from helpers.websocket import TEXT, Websocket

APPS = ("victim", "wire")  # WSGI, ASGI
LIE = "203.0.113.7"
LIES = lies(LIE)
STATIC = "/static/tiny.css"
EVIL = "//evil.example"


def exchange(address, app, path, *lines, port=443, host=None):
    """The answer to a request with these lines, byte for byte."""
    name = f"{app}.example.test"
    head = [f"GET {path} HTTP/1.1", f"Host: {host or name}", *lines, "Connection: close", "", ""]
    request = "\r\n".join(head).encode()
    if port in (80, 8080):
        return raw(address, request, port)
    answer = b""
    with connect(address, name, trusting(), port) as connection:
        connection.sendall(request)
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def body(answer):
    head, _end, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), answer
    return content.decode()


def at_the_socket(host, app, path, *headers, command="curl --silent --fail", end=""):
    """What the app answers on its own socket, past nginx."""
    command += " --path-as-is --unix-socket %s" + " --header %s" * len(headers) + " %s" + end
    url = f"http://{app}.example.test{path}"
    return host.check_output(command, f"/srv/{app}/current/web.sock", *headers, url)


@pytest.fixture(scope="module")
def driver(host):
    return driver_of(host.backend.name)


@pytest.fixture(scope="module", params=["off", "on"])
def underscores(request, driver):
    """nginx's underscores_in_headers, as an operator sets it for the whole host."""
    snippet = f"underscores_in_headers {request.param};"
    published = driver.publish(nginx_conf={"manage": "always", "http_snippet": snippet})
    assert not published["failed"], published["msg"]
    yield request.param
    driver.publish(nginx_conf={"manage": "always", "http_snippet": ""})


@pytest.fixture(scope="module")
def own_address(address):
    with socket.create_connection((address, 443), timeout=5) as connection:
        return connection.getsockname()[0]


@pytest.fixture(scope="module")
def more_doors(driver):
    """The apps on another port with TLS, there with a websocket, and on one without."""

    def site(app, **options):
        proxy = {"proxy_pass": f"http://unix:/srv/{app}/current/web.sock"}
        locations = [{"path": "/", **proxy}, {"path": "/ws/", "websocket": True, **proxy}]
        # As an operator would after auth_request.
        locations.append({"path": "/who/", "snippet": "proxy_set_header Remote-User trusted;", **proxy})
        return {"server_name": [f"{app}.example.test"], "locations": locations, **options}

    sites = [site(app, name=f"{app}-plain", listen=["8080"]) for app in APPS]
    secure = {"tls": "self_signed", "listen": ["8081"], "tls_listen": ["8443"]}
    sites += [site(app, name=f"{app}-secure", **secure) for app in APPS]
    published = driver.publish(*sites)
    assert not published["failed"], published["msg"]
    yield
    driver.publish(*({"name": site["name"], "state": "absent"} for site in sites))


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("lies", [[], LIES], ids=["honest", "lying"])
def test_an_app_sees_the_visitor(address, own_address, underscores, app, lies):
    seen = json.loads(body(exchange(address, app, "/who/", *lies)))
    name = f"{app}.example.test"
    headers = seen.pop("headers")
    assert len(headers.pop("HTTP_X_REQUEST_ID")) == 32
    assert headers == {"HTTP_HOST": name, "HTTP_X_FORWARDED_FOR": own_address, "HTTP_X_FORWARDED_PROTO": "https"}
    assert seen == {
        "REMOTE_ADDR": own_address,
        # Django fills it in for ASGI.
        "REMOTE_HOST": own_address if app == "wire" else None,
        "REMOTE_USER": None,
        "SERVER_NAME": name,
        "SERVER_PORT": "443",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/who/",
        "scheme": "https",
        "host": name,
        "port": "443",
        "uri": f"https://{name}/who/",
    }


def test_nginx_sends_no_forged_header(host, address, underscores):
    with echoing(host, "victim"):
        _line, headers = echoed(exchange(address, "victim", "/", *LIES, "X-Own: kept", "X_Own: kept"))
    names = [name for name, _value in headers]
    assert sorted(names) == sorted([*request_headers.SET, "X-Own", *(["X_Own"] if underscores == "on" else [])])
    assert LIE not in dict(headers).values()


@pytest.mark.parametrize("underscores", ["on"], indirect=True)
def test_a_visitor_cannot_set_script_name(host, address, underscores):
    host.check_output("systemctl restart victim-web wire-web")
    path, header = f"{EVIL}/links/", f"SCRIPT_NAME: {EVIL}"
    for app in APPS:
        # Through nginx, and past it: each of the two has to refuse the header by itself.
        for _attempt in range(12):
            exchange(address, app, path, header)
        at_the_socket(host, app, path, header, command="for i in $(seq 12); do curl --silent", end="; done")
        assert {body(exchange(address, app, "/links/")) for _visit in range(24)} == {STATIC}


def test_nginx_needs_no_larger_header_table(host, underscores):
    assert "[warn]" not in host.run("nginx -t").stderr


@pytest.mark.parametrize("app", APPS)
def test_each_visitor_has_its_own_address(host, address, own_address, app):
    here = {}
    for visitor in ("127.0.0.1", "[::1]"):
        name = f"{app}.example.test"
        command = "curl --silent --fail --insecure --resolve %s %s"
        told = host.check_output(command, f"{name}:443:{visitor}", f"https://{name}/who/")
        here[visitor] = json.loads(told)["REMOTE_ADDR"]
    there = json.loads(body(exchange(address, app, "/who/")))["REMOTE_ADDR"]
    assert (here, there) == ({"127.0.0.1": "127.0.0.1", "[::1]": "::1"}, own_address)


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize(("port", "scheme"), [(8080, "http"), (8443, "https")])
def test_another_port(address, more_doors, app, port, scheme):
    name = f"{app}.example.test"
    usual = {"http": "80", "https": "443"}[scheme]
    # The port is that of the visitor's URL: a router may lead another port to nginx's.
    for written, mapped in ((name, ""), (f"{name.upper()}:443", ""), (f"{name}:{port}", port), (f"{name}:9443", 9443)):
        seen = json.loads(body(exchange(address, app, "/who/", port=port, host=written)))
        told = {key: seen[key] for key in ("SERVER_NAME", "SERVER_PORT", "scheme", "host", "port", "uri")}
        host = f"{name}:{mapped}" if mapped else name
        assert told == {
            "SERVER_NAME": name,
            "SERVER_PORT": str(mapped or usual),
            "scheme": scheme,
            "host": host,
            "port": str(mapped or usual),
            "uri": f"{scheme}://{host}/who/",
        }


@pytest.mark.parametrize("app", APPS)
def test_an_operator_may_set_a_header_of_the_list(address, more_doors, app):
    headers = json.loads(body(exchange(address, app, "/who/", *LIES, port=8080)))["headers"]
    assert headers.pop("HTTP_REMOTE_USER") == "trusted"
    assert LIE not in headers.values()


@pytest.mark.parametrize(("port", "scheme"), [(8080, "ws"), (8443, "wss")])
def test_a_websocket(address, own_address, more_doors, port, scheme):
    name = "wire.example.test"
    context = trusting() if scheme == "wss" else None
    with Websocket(address, name, "/ws/", port, context) as websocket:
        assert websocket.status == 101
        kind, told = websocket.receive()
    assert kind == TEXT
    assert json.loads(told) == {"client": [own_address, 0], "server": [name, port], "scheme": scheme}


@pytest.mark.parametrize("app", APPS)
def test_a_request_at_the_socket_comes_from_this_host(host, app):
    seen = json.loads(at_the_socket(host, app, "/who/"))
    told = (seen["REMOTE_ADDR"], seen["SERVER_NAME"], seen["SERVER_PORT"], seen["scheme"])
    assert told == ("127.0.0.1", f"{app}.example.test", "80", "http")


@pytest.mark.parametrize("app", APPS)
def test_the_server_reads_only_the_three_headers_of_nginx(host, app):
    honest = ("X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: http")
    # gunicorn's secure_scheme_headers, and what would be the same header for WSGI.
    lying = ("X-Forwarded-Ssl: on", "X-Forwarded-Protocol: ssl", f"X_Forwarded-For: {LIE}", f"REMOTE_ADDR: {LIE}")
    seen = json.loads(at_the_socket(host, app, "/who/", *honest, *lying))
    assert (seen["REMOTE_ADDR"], seen["scheme"], seen["port"]) == ("192.0.2.7", "http", "80")
    assert LIE not in json.dumps(seen)


@pytest.mark.parametrize(("written", "port"), [("[2001:db8::1]", "443"), ("[2001:db8::1]:8443", "8443")])
def test_an_ipv6_address_as_host(host, written, port):
    headers = (f"Host: {written}", "X-Forwarded-Proto: https", "X-Forwarded-For: 2001:db8::7")
    seen = json.loads(at_the_socket(host, "wire", "/who/", *headers))
    assert (seen["REMOTE_ADDR"], seen["SERVER_NAME"], seen["port"]) == ("2001:db8::7", "[2001:db8::1]", port)
    assert seen["uri"] == f"https://{written}/who/"


def test_a_client_without_a_host_is_answered(host):
    request = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 20 curl --silent --unix-socket %s telnet://localhost"
    for app in APPS:
        answer = eventually(lambda app=app: host.run(request, f"/srv/{app}/current/web.sock").stdout)
        assert answer.split()[1] == "400"
