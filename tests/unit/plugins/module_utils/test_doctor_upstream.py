"""Why nginx gets no answer from an application."""

from __future__ import annotations

import socket
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils import _doctor_sites as sites
from ansible_collections.gatehouse.django.plugins.module_utils import _doctor_upstream as upstreams
from ansible_collections.gatehouse.django.plugins.module_utils._doctor_ask import Answer, Request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor_finding import Finding

PAGE = Request("shop.test", "shop.test", "127.0.0.1", "80", False, "/page?token=hidden")


@pytest.fixture
def explain(doctor_host, monkeypatch):
    monkeypatch.setattr(upstreams, "glob", lambda pattern: [])

    def explain(address, answer=None, *answers, more=""):
        text = f"server {{ server_name shop.test;\nlocation / {{ {more}\nproxy_pass {address}; }} }}"
        host = doctor_host(text, *answers)
        location = next(one for one in host.tree.below("location") if sites.passed_to(one))
        (finding,) = upstreams.explain(host, PAGE, location, answer or Answer(502), time.time())
        return finding

    return explain


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def nobody():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    return address


def test_nothing_listens(explain, nobody, tmp_path):
    finding = explain(f"http://{nobody}")
    assert finding.cause == f"nginx hands the requests to {nobody} ({tmp_path}/nginx.conf:4), where nothing listens."
    assert finding.remedy == f"Start the application that has to listen on {nobody}."


def test_the_only_app_of_the_host_is_the_one_that_is_meant(explain, nobody, monkeypatch, tmp_path):
    monkeypatch.setattr(upstreams, "glob", lambda pattern: ["/srv/shop/current/web.sock"])
    finding = explain(f"http://{nobody}")
    assert "; the app shop listens on unix:/srv/shop/current/web.sock" in finding.cause
    line = f"'proxy_pass http://unix:/srv/shop/current/web.sock;' in {tmp_path}/nginx.conf:4"
    assert line in finding.remedy


def test_a_site_of_gatehouses_is_mended_in_the_inventory(explain, nobody, listener, monkeypatch, doctor_host, tmp_path):
    monkeypatch.setattr(upstreams, "glob", lambda pattern: ["/srv/shop/current/web.sock"])
    (tmp_path / "gatehouse").mkdir()
    site = tmp_path / "gatehouse" / "shop.conf"
    for address, answer, said in (
        (nobody, Answer(502), "Write 'app: shop' in place of its upstream"),
        (listener, Answer(504), "raise proxy_read_timeout of the site in django_sites."),
    ):
        site.write_text(f"server {{ location / {{ proxy_pass http://{address}; }} }}")
        host = doctor_host("include gatehouse/*.conf;")
        (finding,) = upstreams.explain(host, PAGE, next(host.tree.below("location")), answer, time.time())
        assert said in finding.remedy


def test_the_files_tell_which_of_several_apps_is_meant(explain, nobody, monkeypatch):
    monkeypatch.setattr(upstreams, "glob", lambda pattern: [f"/srv/{app}/current/web.sock" for app in ("a", "shop")])
    files = "} location /static/ { alias /srv/shop/current/static/; } location /x {"
    assert "the app shop listens on" in explain(f"http://{nobody}", more=files.replace("/x {", "/ {")).cause
    said = explain(f"http://{nobody}").cause
    assert "applications listen on unix:/srv/a/current/web.sock, unix:/srv/shop/current/web.sock" in said


def test_what_else_listens(explain, nobody, monkeypatch):
    monkeypatch.setattr(upstreams.shutil, "which", lambda name: name)
    lines = (
        'LISTEN 0 128 127.0.0.1:8001 0.0.0.0:* users:(("gunicorn",pid=7,fd=3))\n'
        'LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))\n'
    )
    finding = explain(f"http://{nobody}", None, ("ss -Hltnp", lines))
    assert "; on this host applications listen on 127.0.0.1:8001 (gunicorn)." in finding.cause


def test_no_socket_and_a_dead_one(explain, tmp_path):
    path = tmp_path / "app.sock"
    assert f"unix:{path} ({tmp_path}/nginx.conf:4), where there is no socket" in explain(f"http://unix:{path}").cause
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    assert "where nothing listens" in explain(f"http://unix:{path}").cause


def test_a_permission_on_the_way_to_the_socket(explain, monkeypatch, tmp_path):
    monkeypatch.setattr(upstreams.paths, "blocked", lambda host, path, need: (f"the way to {path}, {need}", "chmod"))
    finding = explain(f"http://unix:{tmp_path}/app.sock")
    assert finding.cause == f"nginx cannot reach the socket {tmp_path}/app.sock: the way to {tmp_path}/app.sock, w."
    assert finding.remedy == "chmod"


def test_an_app_that_cannot_answer_is_all_there_is_to_say(explain, monkeypatch):
    known = Finding("shop.test", "cause", "remedy")
    monkeypatch.setattr(upstreams.apps, "explain", lambda run, site, app, is_known_to_fail: known)
    assert explain("http://unix:/srv/shop/current/web.sock") == known


@pytest.mark.parametrize("answer", [Answer(504), Answer(0, "timeout")])
def test_too_slow(explain, listener, tmp_path, answer):
    finding = explain(f"http://{listener}", answer, more="proxy_read_timeout 5s;")
    assert f"does not answer /page within proxy_read_timeout 5s ({tmp_path}/nginx.conf:3)." in finding.cause
    assert finding.remedy.endswith(f"raise proxy_read_timeout in {tmp_path}/nginx.conf.")
    assert "proxy_read_timeout 60s (nginx's default)" in explain(f"http://{listener}", answer).cause


def test_what_nginx_says_of_a_failure(explain, listener, tmp_path):
    at = time.strftime("%Y/%m/%d %H:%M:%S")
    (tmp_path / "error.log").write_text(
        f'{at} [error] 1#1: *1 upstream closed, client: 192.0.2.9, request: "GET / HTTP/1.1", host: "shop.test"\n'
        f'{at} [error] 1#1: *2 of another, client: 192.0.2.9, request: "GET / HTTP/1.1", host: "other.test"\n'
    )
    finding = explain(f"http://{listener}")
    assert "takes the connection and then fails: nginx says: upstream closed." in finding.cause


def test_the_applications_own_error(doctor_host, monkeypatch):
    monkeypatch.setattr(upstreams.apps, "service", lambda app: f"{app}-web@1.service")
    text = "server { location / { proxy_pass http://unix:/srv/shop/current/web.sock; } }"
    host = doctor_host(text, ("journalctl _SYSTEMD_UNIT=shop-web@1.service", "KeyError: 'x'\n"))
    finding = upstreams.failed(host, PAGE, next(host.tree.below("location")), 500)
    assert finding.cause == "The app shop itself answers 500 to /page. Its journal last says: KeyError: 'x'"
