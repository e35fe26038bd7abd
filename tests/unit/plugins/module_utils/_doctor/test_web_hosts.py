"""What a balancer's web hosts answer, and what the doctor says of it."""

from __future__ import annotations

import http.server
import socket
import socketserver
import ssl
import subprocess
import threading
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import web_hosts
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.web_hosts import check_web_hosts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import config_tree, routing

RELEASE = "20260101T000000-abc"


@pytest.fixture
def answers():
    """The status and headers of the web host's answers; and the headers of the requests that it got."""
    return SimpleNamespace(status=200, headers={}, requests=[])


@pytest.fixture
def certificate(tmp_path):
    """certificate(name): the file of a certificate that signs itself, with its key."""

    def certificate(name):
        path = tmp_path / f"{name}.pem"
        options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=a"]
        names = ["-addext", f"subjectAltName=DNS:{name}", "-out", str(path), "-keyout", f"{path}.key"]
        subprocess.run(["openssl", "req", "-x509", *options, *names], check=True, capture_output=True)
        return path

    return certificate


@pytest.fixture
def secured(web_host, servers):
    """secured(certificate): the web host's address, with TLS from now on."""

    def secured(path):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, f"{path}.key")
        servers[0].socket = context.wrap_socket(servers[0].socket, server_side=True)
        return web_host

    return secured


@pytest.fixture
def servers():
    return []


@pytest.fixture
def web_host(answers, servers):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answers.requests.append((self.path, dict(self.headers)))
            self.send_response(answers.status)
            for header in answers.headers.items():
                self.send_header(*header)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    # That of http.server would ask DNS for the name of this machine.
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def host(tmp_path):
    """host(addresses): a balancer with a site that passes all paths to these."""

    def host(*addresses, sent="$gatehouse_expected_1", authorities=None, release=RELEASE):
        (tmp_path / "releases").mkdir()
        (tmp_path / "expected").symlink_to(f"releases/{release}")
        (tmp_path / "releases" / release).mkdir()
        servers = "".join(f"server {address} max_fails=1;" for address in addresses)
        location = (
            f"proxy_pass http://web; root {tmp_path}/expected; proxy_set_header X-Gatehouse-Release {sent};"
            if sent
            else "proxy_pass http://web;"
        )
        if authorities:
            location = location.replace("http://", "https://") + (
                f"proxy_ssl_trusted_certificate {authorities}; proxy_ssl_name shop.gatehouse.internal;"
            )
        path = tmp_path / "nginx.conf"
        path.write_text(
            f"http {{ upstream web {{ {servers} server 192.0.2.1:80 down; }} server {{ listen 443 ssl; server_name "
            f"shop.test; location /admin/ {{ {location} }} location / {{ {location} }} }} }}"
        )
        tree = config_tree.read(str(path))
        names = {"127.0.0.1": "web1"}
        return SimpleNamespace(tree=tree, listens=routing.listens(tree), web_hosts={}, names=names)

    return host


def hang_up(server):
    """Close the first connection."""
    connection, _address = server.accept()
    connection.close()


def check(host):
    return list(check_web_hosts(host, lambda _server: True))


def test_a_healthy_host_is_asked_as_nginx_asks(host, web_host, answers):
    assert check(host(web_host)) == []
    ((path, headers),) = answers.requests
    assert path == "/"
    sent = {"Host": "shop.test", "X-Forwarded-Proto": "https", "X-Gatehouse-Release": f"/{RELEASE}"}
    assert sent.items() <= headers.items()


@pytest.mark.parametrize(("release", "named"), [(RELEASE, RELEASE), ("abc-1+abc-2", "abc-1 or abc-2")])
def test_a_host_that_gives_requests_back(host, web_host, answers, release, named):
    answers.status, answers.headers = 503, {"X-Accel-Redirect": web_hosts.AGAIN}
    (finding,) = check(host(web_host, release=release))
    assert answers.requests[0][1]["X-Gatehouse-Release"] == f"/{release}"
    assert finding.cause.startswith(f"Web host web1 ({web_host}) passes requests back")
    assert f"another release than {named}, which" in finding.cause
    assert "`ansible-playbook gatehouse.django.doctor -l 'web1'`" in finding.remedy
    assert (finding.site, finding.host) == ("shop.test", "web1")


def test_an_error_of_the_app_itself(host, web_host, answers):
    answers.status = 503
    (finding,) = check(host(web_host))
    assert "answers 503 for / itself. 0 of 1 hosts serve it." in finding.cause


def test_a_host_where_nothing_listens(host, web_host):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (finding,) = check(host(web_host, f"127.0.0.1:{port}"))
    assert f"web1 (127.0.0.1:{port}) gives no answer to this balancer: nothing listens there. 1 of 2" in finding.cause
    assert "firewalls" not in finding.remedy


def test_a_host_that_is_silent(host, monkeypatch):
    monkeypatch.setattr(web_hosts, "CONNECT_SECONDS", 0.2)
    # Its queue is full, so that it takes no further connection, as behind a firewall.
    with socket.socket() as full, socket.socket() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting.connect(full.getsockname())
        port = full.getsockname()[1]
        (finding,) = check(host(f"127.0.0.1:{port}"))
    assert "gives no answer to this balancer: it does not answer in time" in finding.cause
    assert finding.remedy.endswith(f"let its port {port} through firewalls to this balancer.")


def test_a_host_that_does_not_know_the_balancer(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=hang_up, args=(server,), daemon=True).start()
        (finding,) = check(host(f"127.0.0.1:{server.getsockname()[1]}"))
    assert "knows neither this balancer's address nor the site" in finding.cause


def test_other_upstreams_are_not_asked(host, web_host, answers):
    assert check(host(web_host, sent="")) == []
    assert answers.requests == []


def asked(host, *addresses, **options):
    """Whether the app on each of *addresses* answers the first page of the group."""
    page = web_hosts.page_of_group(host(*addresses, **options).tree, "web")
    assert page is not None
    return [web_hosts.ask(page, address).is_of_app for address in addresses]


@pytest.mark.parametrize(
    ("status", "headers", "is_of_app"),
    [
        (200, {}, True),
        (302, {"Location": "/login/"}, True),
        (500, {}, True),
        (503, {}, True),
        (502, {}, False),
        (504, {}, False),
        (503, {"X-Accel-Redirect": web_hosts.AGAIN}, False),
    ],
)
def test_whether_the_app_of_a_group_answers(host, web_host, answers, status, headers, is_of_app):
    answers.status, answers.headers = status, headers
    assert asked(host, web_host) == [is_of_app]
    ((path, sent),) = answers.requests
    assert (path, sent["Host"]) == ("/", "shop.test")


def test_a_host_that_closes_the_connection_does_not_answer_for_the_app(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=hang_up, args=(server,), daemon=True).start()
        assert asked(host, f"127.0.0.1:{server.getsockname()[1]}") == [False]


def test_a_group_without_an_app_has_no_page(host, web_host):
    assert web_hosts.page_of_group(host(web_host, sent="").tree, "web") is None


def test_another_group_has_no_page(host, web_host):
    assert web_hosts.page_of_group(host(web_host).tree, "other") is None


def test_a_host_with_tls(host, secured, certificate, answers):
    path = certificate("shop.gatehouse.internal")
    address = secured(path)
    assert asked(host, address, authorities=path) == [True]
    assert answers.requests[0][1]["Host"] == "shop.test"


def test_a_host_with_the_certificate_of_another_one(host, secured, certificate, answers):
    address = secured(certificate("shop.gatehouse.internal"))
    (finding,) = check(host(address, authorities=certificate("other.gatehouse.internal")))
    assert "its certificate is none that this host believes: " in finding.cause
    assert finding.remedy.startswith("`ansible-playbook gatehouse.django.site`, without -l, lets all hosts exchange")
    assert answers.requests == []


def test_a_certificate_for_another_site(host, secured, certificate, answers):
    path = certificate("other.gatehouse.internal")
    (finding,) = check(host(secured(path), authorities=path))
    assert "its certificate is none that this host believes: " in finding.cause
    assert answers.requests == []


def test_a_host_without_tls_where_the_balancer_expects_it(host, web_host, certificate):
    (finding,) = check(host(web_host, authorities=certificate("shop.gatehouse.internal")))
    assert "gives no answer to this balancer: it does not accept TLS for this site: " in finding.cause
