"""Why nginx gets no answer from an application."""

from __future__ import annotations

import socket
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import upstream
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer, Request

PAGE = Request("shop.test", "shop.test", "127.0.0.1", "80", False, "/page?token=hidden")


@pytest.fixture
def explain(doctor_host, monkeypatch):
    monkeypatch.setattr(upstream.addresses, "real_address", lambda host, location: ("", ""))

    def explain(address, answer=None, *answers, more=""):
        text = f"server {{ server_name shop.test;\nlocation / {{ {more}\nproxy_pass {address}; }} }}"
        host = doctor_host(text, *answers)
        location = next(one for one in host.tree.below("location") if sites.passed_to(one))
        (finding,) = upstream.explain(host, PAGE, location, answer or Answer(502), time.time())
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


def test_where_the_application_really_is(explain, nobody, monkeypatch):
    monkeypatch.setattr(upstream.addresses, "real_address", lambda host, location: ("; it is there", "Write it."))
    finding = explain(f"http://{nobody}")
    assert finding.cause.endswith("where nothing listens; it is there.")
    assert finding.remedy == "Write it."


def test_a_permission_on_the_way_to_the_socket(explain, monkeypatch, tmp_path):
    monkeypatch.setattr(
        upstream.permissions, "blocked", lambda _host, path, need: (f"the way to {path}, {need}", "chmod")
    )
    finding = explain(f"http://unix:{tmp_path}/app.sock")
    assert finding.cause == f"nginx cannot reach the socket {tmp_path}/app.sock: the way to {tmp_path}/app.sock, w."
    assert finding.remedy == "chmod"


def test_an_app_that_cannot_answer_is_all_there_is_to_say(explain, monkeypatch):
    known = Finding("shop.test", "cause", "remedy")
    monkeypatch.setattr(upstream.apps, "explain", lambda run, site, app, is_known_to_fail: known)
    assert explain("http://unix:/srv/shop/current/web.sock") == known


@pytest.mark.parametrize("answer", [Answer(504), Answer(0, "timeout")])
def test_too_slow(explain, listener, tmp_path, answer):
    finding = explain(f"http://{listener}", answer, more="proxy_read_timeout 5s;")
    assert f"does not answer /page within proxy_read_timeout 5s ({tmp_path}/nginx.conf:3)." in finding.cause
    assert finding.remedy.endswith(f"raise proxy_read_timeout in {tmp_path}/nginx.conf.")
    assert "proxy_read_timeout 60s (nginx's default)" in explain(f"http://{listener}", answer).cause


def test_a_site_of_gatehouses_has_its_limits_in_the_inventory(doctor_host, listener, tmp_path):
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "shop.conf").write_text(f"server {{ location / {{ proxy_pass http://{listener}; }} }}")
    host = doctor_host("include gatehouse/*.conf;")
    (finding,) = upstream.explain(host, PAGE, next(host.tree.below("location")), Answer(504), time.time())
    assert finding.remedy.endswith("raise proxy_read_timeout of the site in django_sites.")


def test_what_nginx_says_of_a_failure(explain, listener, tmp_path):
    at = time.strftime("%Y/%m/%d %H:%M:%S")
    (tmp_path / "error.log").write_text(
        f'{at} [error] 1#1: *1 upstream closed, client: 192.0.2.9, request: "GET / HTTP/1.1", host: "shop.test"\n'
        f'{at} [error] 1#1: *2 of another, client: 192.0.2.9, request: "GET / HTTP/1.1", host: "other.test"\n'
    )
    finding = explain(f"http://{listener}")
    assert "takes the connection and then fails: nginx says: upstream closed." in finding.cause


def test_the_applications_own_error(doctor_host, monkeypatch):
    monkeypatch.setattr(upstream.apps, "service", lambda app: f"{app}-web@1.service")
    text = "server { location / { proxy_pass http://unix:/srv/shop/current/web.sock; } }"
    host = doctor_host(text, ("journalctl _SYSTEMD_UNIT=shop-web@1.service", "KeyError: 'x'\n"))
    finding = upstream.failed(host, PAGE, next(host.tree.below("location")), 500)
    assert finding.cause == "The app shop itself answers 500 to /page. Its journal last says: KeyError: 'x'"
